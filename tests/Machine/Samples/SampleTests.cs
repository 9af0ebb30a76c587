using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Samples;

/// <summary>What can become of a test, for the tests of the bridge itself. Most of these do not pass, on purpose.</summary>
public sealed class SampleTests
{
    [Test]
    public async Task Passes()
    {
        await TestContext.Out.WriteLineAsync("said inside");
        Assert.That(File.ReadAllText("/proc/sys/kernel/hostname").Trim(), Is.EqualTo("machine"));
    }

    [TestCase("a \"quoted\" <word>")]
    public void Passes_with(string argument) => Assert.That(argument, Does.Contain("<word>"));

    [Test]
    public void Fails() => Assert.Fail("wrong, on purpose");

    [Test]
    public void Skips() => Assert.Ignore("not today");

    [Test]
    public async Task Leaves_a_mount() => await ChildProcess.RunAsync("mount", ["-t", "tmpfs", "left", "/mnt"]);

    [Test]
    public Task Hangs() => new TaskCompletionSource().Task;

    [Test]
    public void Panics()
    {
        File.WriteAllText("/proc/sys/kernel/sysrq", "1");
        File.WriteAllText("/proc/sysrq-trigger", "c");
    }
}

/// <summary>A fixture that cannot be set up.</summary>
public sealed class UnreadySampleTests
{
    [OneTimeSetUp]
    public void SetUp() => throw new InvalidOperationException("no set-up");

    [Test]
    public void Is_never_run() => Assert.Pass();
}

/// <summary>A fixture that fails once all is over.</summary>
public sealed class UntidySampleTests
{
    [OneTimeTearDown]
    public void TearDown() => throw new InvalidOperationException("no tear-down");

    [Test]
    public void Passes() => Assert.Pass();
}
