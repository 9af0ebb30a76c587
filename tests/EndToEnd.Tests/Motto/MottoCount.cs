using NUnit.Framework;

namespace PonyCloud.EndToEnd.Tests.Motto;

/// <summary>Counts the behaviours that were shown, and says so in one line when the suite has ended; the script that runs all tests prints it.</summary>
[SetUpFixture]
public sealed class MottoCount
{
    private const int All = 16;

    /// <summary>What one controller and two hosts without fencing and upgrades cannot show, and which part of it that is.</summary>
    public static readonly IReadOnlyDictionary<int, string> NotYet = new SortedDictionary<int, string>
    {
        [5] = "the start elsewhere after fencing or the end of a storage lease",
        [13] = "upgrades, and the drain of a host",
    };

    private static readonly SortedSet<int> Shown = [];

    /// <summary>To be called when a test of a behaviour has passed.</summary>
    public static void Add(int behaviour)
    {
        lock (Shown)
            Shown.Add(behaviour);
    }

    [OneTimeTearDown]
    public void Say() => TestContext.Progress.WriteLine(
        $"motto: {Shown.Count} of {All} behaviours shown ({string.Join(", ", Shown)}); "
        + $"not yet: {string.Join("; ", NotYet.Select(behaviour => $"{behaviour.Key}, {behaviour.Value}"))}");
}
