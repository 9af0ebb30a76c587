using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Consoles;

/// <summary><c>pony console</c> as people have it, on a pseudo terminal, and as scripts do, in a pipe.</summary>
public sealed class PonyConsoleTests : PlatformFixture
{
    private readonly TemporaryDirectory _home = new("pony-console");
    private RunningInstance _instance = null!;

    private static string Pony => $"dotnet {Repository.Program("Sparkle/Pony", "pony")}";

    protected override async Task PrepareAsync()
    {
        await using var login = Start(
            $"{Pony} login --server http://127.0.0.1:{Running.HttpPort} --password-file {Running.AlicornPasswordFile} alicorn@localhost");
        Assert.That(await login.WaitForExitAsync(), Is.Zero, string.Join('\n', login.Lines));
        _instance = await Running.CreateAsync();
        await _instance.RunsAsync();
    }

    protected override Task TidyAsync()
    {
        _home.Dispose();
        return Task.CompletedTask;
    }

    [Test]
    public async Task On_a_terminal_keys_go_to_the_guest_and_the_terminal_is_put_back()
    {
        // What script(1) reads is typed on the terminal that it makes, after the command says that it is attached.
        await using var terminal = Start(
            $"script -qec 'stty -a > {_home["before"]}; {Pony} console /tenant/{Running.Tenant}/instance/{_instance.Uuid}; "
            + $"echo ended $?; stty -a > {_home["after"]}' /dev/null");
        await terminal.WaitForLineAsync("pony to be attached", line => line.Contains("Attached to the serial port", StringComparison.Ordinal));
        await terminal.WaitForLineAsync("what was before", line => line.Contains(RomGuest.Line, StringComparison.Ordinal));

        // Ctrl-C is the guest's; it sends all of it back.
        await terminal.Input.WriteAsync("ab\u0003c\r\n");
        await terminal.Input.FlushAsync();
        await terminal.WaitForLineAsync("what the guest sends back", line => line.Contains("ab\u0003c", StringComparison.Ordinal));
        await terminal.Input.WriteAsync('\u001D');
        await terminal.Input.FlushAsync();

        await terminal.WaitForLineAsync("pony to detach", line => line.Contains("Detached", StringComparison.Ordinal));
        await terminal.WaitForLineAsync("the exit code", line => line.Contains("ended 0", StringComparison.Ordinal));
        terminal.Input.Close();
        await terminal.WaitForExitAsync();
        Assert.That(await File.ReadAllTextAsync(_home["after"]), Is.EqualTo(await File.ReadAllTextAsync(_home["before"])));
    }

    [Test]
    public async Task In_a_pipe_every_byte_is_sent_and_the_end_detaches()
    {
        await using var pipe = Start($"printf 'k\\035l\\n' | {Pony} console /tenant/{Running.Tenant}/instance/{_instance.Uuid}");
        Assert.That(await pipe.WaitForExitAsync(), Is.Zero, string.Join('\n', pipe.Lines));
        Assert.That(string.Join('\n', pipe.Lines), Does.Contain("k\u001Dl").And.Contain(RomGuest.Line));
    }

    [Test]
    public async Task The_log_is_printed()
    {
        await using var log = Start($"{Pony} console /tenant/{Running.Tenant}/instance/{_instance.Uuid} --log");
        Assert.That(await log.WaitForExitAsync(), Is.Zero);
        Assert.That(log.Lines, Has.Some.Contains(RomGuest.Line));
    }

    private ChildProcess Start(string command) => ChildProcess.Start(
        "bash", ["-c", command], new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _home.Path, ["TERM"] = "xterm" });
}
