using System.Reflection;
using NUnit.Framework;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Tests;

/// <summary>
/// Runs the tests of one room of <c>tests/Machine</c> in a virtual machine, each as a test of its own here. A fixture is
/// named after its room.
/// </summary>
/// <param name="disks">The disks that the tests find.</param>
/// <param name="cards">The network cards that they find.</param>
public abstract class MachineFixture(IReadOnlyList<MachineDisk> disks, IReadOnlyList<MachineCard> cards)
{
    private readonly bool _alone = Environment.GetEnvironmentVariable("PONYCLOUD_MACHINE_ALONE") == "1";

    private MachineSession _session = null!;

    /// <summary>The tests that run inside.</summary>
    internal static Assembly Assembly { get; } = Assembly.Load("PonyCloud.Machine");

    [OneTimeSetUp]
    public void Begin() => _session = new MachineSession(Assembly, disks, cards);

    [OneTimeTearDown]
    public async Task End() => await _session.DisposeAsync();

    /// <summary>The tests of a room.</summary>
    public static IEnumerable<TestCaseData> In(string room) =>
        from test in new InnerTests(Assembly).Names
        where test.StartsWith($"PonyCloud.Machine.{room}.", StringComparison.Ordinal)
        select new TestCaseData(test).SetName(test[$"PonyCloud.Machine.{room}.".Length..]);

    /// <summary>Runs a test, with the others of its fixture when it is the first of them.</summary>
    protected Task RunAsync(string test) => _session.RunAsync(
        test, _alone ? [] : new InnerTests(Assembly).Names.Where(other => FixtureOf(other) == FixtureOf(test)));

    // Names of arguments may have dots, too.
    private static string FixtureOf(string test)
    {
        var method = test.Split('(')[0];
        return method[..method.LastIndexOf('.')];
    }
}
