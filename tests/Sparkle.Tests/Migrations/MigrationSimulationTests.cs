using NUnit.Framework;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>Whatever fails at whatever moment: one copy at most runs, it is the newest, and in the end it is where it is ordered to be.</summary>
[TestFixture]
public sealed class MigrationSimulationTests
{
    private const int Steps = 1200;

    /// <summary>How many seeds are tried; a soak tries more, from another first one.</summary>
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("PONYCLOUD_MIGRATION_SEEDS") ?? "100", null);
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("PONYCLOUD_MIGRATION_FIRST") ?? "1", null);

    [Test]
    public void One_copy_runs_and_it_is_the_newest_whatever_fails()
    {
        for (var seed = First; seed < First + Seeds; seed++)
        {
            var world = new MigrationWorld(seed);
            var broken = world.Run(Steps);
            Assert.That(broken, Is.Null, () => $"seed {seed}: {broken}\n{Traced(seed)}");
        }
    }

    private static string Traced(int seed)
    {
        var world = new MigrationWorld(seed) { IsTraced = true };
        world.Run(Steps);
        return world.Trace;
    }
}
