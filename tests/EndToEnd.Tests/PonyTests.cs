using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>The command line as people and scripts use it, against the whole platform.</summary>
public sealed class PonyTests : PlatformFixture
{
    private readonly TemporaryDirectory _home = new("pony-home");

    protected override async Task PrepareAsync() => await PonyAsync(
        0, "login", "--server", $"http://127.0.0.1:{Running.HttpPort}", "--password-file", Running.AlicornPasswordFile, "alicorn@localhost");

    protected override Task TidyAsync()
    {
        _home.Dispose();
        return Task.CompletedTask;
    }

    [Test]
    public async Task A_tenant_with_an_instance_is_declared_started_changed_stopped_and_deleted()
    {
        var file = _home["tree.yaml"];
        await File.WriteAllTextAsync(file, """
            tenant:
              acme:
                desired: {approved: true}
                instance:
                  web: {desired: {mem: 16, vcpu: 1, stop_timeout: 3600}}
            """);

        Assert.That(await PonyAsync(1, "diff", "-f", file), Does.Contain("+ tenant/acme/instance/web"));
        Assert.That(await PonyAsync(0, "apply", "-f", file), Does.Contain("2 created, 0 changed, 0 removed."));
        Assert.That(await PonyAsync(0, "diff", "-f", file), Is.Empty);
        Assert.That(await PonyAsync(0, "use", "--tenant", "acme"), Does.Contain("tenant"));

        Assert.That(await PonyAsync(0, "start", "web"), Does.Contain("instance web is running"));
        Assert.That(await PonyAsync(0, "get", "instance"), Does.Match("NAME +STATE.*\nweb +running .* running "));
        Assert.That(await PonyAsync(0, "set", "instance", "web", "vcpu=2"), Is.EqualTo("instance web: vcpu 1 → 2"));
        Assert.That(await PonyAsync(1, "diff", "-f", file), Does.Contain("vcpu: 2 → 1"));
        Assert.That(await PonyAsync(0, "stop", "web"), Does.Contain("instance web is stopped"));
        Assert.That(await PonyAsync(0, "get", "instance", "-l", "current.status=stopped", "-o", "name"), Is.EqualTo("web"));
        Assert.That(await PonyAsync(0, "__complete", "--", "stop", "w"), Is.EqualTo("web"));

        Assert.That(await PonyAsync(0, "delete", "instance", "web"), Is.EqualTo("instance web deleted"));
        await PonyAsync(5, "get", "instance", "web");
        await PonyAsync(0, "delete", "/tenant/acme");
        await PonyAsync(0, "use", "--no-tenant");
    }

    [Test]
    public async Task Exit_codes_tell_what_went_wrong()
    {
        await PonyAsync(2, "get", "nonsense");
        await PonyAsync(5, "get", "host", "nobody");
        await PonyAsync(7, "create", "instance", "bad", "--tenant", "tests", "--set", "mem=1");
        // No host is large enough for it.
        await PonyAsync(0, "create", "instance", "large", "--tenant", "tests", "--set", "mem=16777216");
        await PonyAsync(6, "create", "instance", "large", "--tenant", "tests", "--set", "mem=16");
        await PonyAsync(9, "start", "large", "--tenant", "tests", "--timeout", "1");
        await PonyAsync(3, "login", "--profile", "wrong", "--server", $"http://127.0.0.1:{Running.HttpPort}", "--password-file", "/dev/null", "alicorn@localhost");
        await PonyAsync(8, "login", "--profile", "wrong", "--server", "http://127.0.0.1:1", "--password-file", "/dev/null", "alicorn@localhost");
    }

    [Test]
    public async Task A_login_that_was_ended_counts_no_more()
    {
        await PonyAsync(
            0, "login", "--profile", "other", "--server", $"http://127.0.0.1:{Running.HttpPort}", "--password-file", Running.AlicornPasswordFile, "alicorn@localhost");
        await PonyAsync(0, "use", "default");
        var kept = _home["ponycloud/profiles/kept.json"];
        File.Copy(_home["ponycloud/profiles/other.json"], kept);

        Assert.That(await PonyAsync(0, "logout", "--profile", "other"), Does.StartWith("Logged out"));

        await PonyAsync(3, "get", "host", "--profile", "other");
        await PonyAsync(3, "get", "host", "--profile", "kept");
        await PonyAsync(0, "get", "host");
    }

    /// <summary>Runs a command that has to end with this exit code.</summary>
    /// <returns>What it wrote.</returns>
    private async Task<string> PonyAsync(int code, params string[] arguments)
    {
        await using var process = ChildProcess.Start(
            "dotnet",
            [Repository.Program("Sparkle/Pony", "pony"), .. arguments],
            new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _home.Path });
        process.Input.Close();
        var ended = await process.WaitForExitAsync();
        var output = string.Join('\n', process.Lines);
        Assert.That(ended, Is.EqualTo(code), $"pony {string.Join(' ', arguments)}:\n{output}");
        return output;
    }
}
