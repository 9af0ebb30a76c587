using NUnit.Framework;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Tests;

/// <summary>What becomes of a test inside becomes of the one outside: the bridge itself, with tests made for it.</summary>
public sealed class BridgeTests
{
    private const string Samples = "PonyCloud.Machine.Samples.";

    private MachineSession _session = null!;

    [OneTimeSetUp]
    public void Begin() => _session = new MachineSession(MachineFixture.Assembly, [], []);

    [OneTimeTearDown]
    public async Task End() => await _session.DisposeAsync();

    [TestCase("SampleTests.Passes")]
    [TestCase("SampleTests.Passes_with(\"a \\\"quoted\\\" <word>\")")]
    public Task One_that_passes_passes(string test) => _session.RunAsync(Samples + test);

    [TestCase("SampleTests.Fails", "wrong, on purpose")]
    [TestCase("SampleTests.Skips", "not today")]
    [TestCase("SampleTests.Is_not_there", "There is no test of the name")]
    [TestCase("UnreadySampleTests.Is_never_run", "no set-up")]
    [TestCase("UntidySampleTests.Passes", "no tear-down")]
    [TestCase("SampleTests.Leaves_a_mount", "It left behind: mount /mnt")]
    public void One_that_does_not_pass_fails_and_says_why(string test, string message) =>
        Assert.That(() => _session.RunAsync(Samples + test), Throws.TypeOf<AssertionException>().With.Message.Contains(message));

    [Test]
    public async Task Tests_that_are_run_together_have_a_result_each()
    {
        string[] names = [.. new[] { "Fails", "Passes", "Skips" }.Select(name => $"{Samples}SampleTests.{name}")];
        Assert.That(
            () => _session.RunAsync(names[0], names), Throws.TypeOf<AssertionException>().With.Message.Contains("wrong, on purpose"));
        await _session.RunAsync(names[1], names);
        Assert.That(() => _session.RunAsync(names[2], names), Throws.TypeOf<AssertionException>().With.Message.Contains("not today"));
    }

    [Test]
    public void A_failure_shows_the_console() =>
        Assert.That(
            () => _session.RunAsync(Samples + "SampleTests.Fails"),
            Throws.TypeOf<AssertionException>().With.Message.Contains("Machine is up after"));

    [Test]
    public async Task One_that_hangs_fails_and_the_next_has_a_machine_of_its_own()
    {
        await _session.RunAsync(Samples + "SampleTests.Passes");
        var pid = _session.Machine!.Pid;

        Assert.That(
            () => _session.RunAsync(Samples + "SampleTests.Hangs", limit: TimeSpan.FromSeconds(1)),
            Throws.TypeOf<AssertionException>().With.Message.Contains("said nothing for 1 seconds"));

        Assert.That(Directory.Exists($"/proc/{pid}"), Is.False);
        await _session.RunAsync(Samples + "SampleTests.Passes");
    }

    [Test]
    public void A_kernel_that_panics_is_a_failure_with_its_last_words() =>
        Assert.That(
            () => _session.RunAsync(Samples + "SampleTests.Panics"),
            Throws.TypeOf<AssertionException>().With.Message.Contains("Kernel panic"));

    [Test]
    public async Task A_machine_dies_with_the_process_that_guards_it()
    {
        await using var machine = await VirtualMachine.StartAsync(Options);
        var qemu = TestProcess.ChildrenOf(machine.Pid).Single(pid => Command(pid).StartsWith("qemu", StringComparison.Ordinal));

        await ChildProcess.SendAsync(machine.Pid, ProcessSignal.Kill);

        await TestProcess.WaitForEndAsync(qemu, Eventually.Patience);
    }

    [Test]
    public async Task A_machine_ends_when_its_time_is_over()
    {
        await using var machine = await VirtualMachine.StartAsync(Options with { Limit = TimeSpan.FromSeconds(1) });
        Assert.That(
            () => machine.ReadLineAsync(Eventually.Patience),
            Throws.TypeOf<AssertionException>().With.Message.Contains("the machine was ended, after 1 seconds"));
    }

    private static MachineOptions Options => new()
    {
        ProgramDirectory = Path.GetDirectoryName(MachineFixture.Assembly.Location)!,
        Program = Path.GetFileName(MachineFixture.Assembly.Location),
    };

    private static string Command(int pid) => File.ReadAllText($"/proc/{pid}/comm");
}
