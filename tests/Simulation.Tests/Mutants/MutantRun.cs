namespace PonyCloud.Simulation.Tests.Mutants;

/// <summary>The broken variants, and after how many seeds each is found out.</summary>
internal static class MutantRun
{
    /// <summary>A variant that is not found out within so many seeds shows that the simulation does not look.</summary>
    public const int SeedsMax = 200;

    public static IReadOnlyDictionary<string, Func<Mutant>> All { get; } = new Dictionary<string, Func<Mutant>>
    {
        ["seq not checked"] = () => new SeqNotChecked(),
        ["stream not checked"] = () => new StreamNotChecked(),
        ["anything taken as full while waiting"] = () => new AnythingIsFull(),
        ["stale messages kept"] = () => new StaleIsKept(),
        ["request not repeated"] = () => new RequestNotRepeated(),
        ["withdrawn rows left in the snapshot"] = () => new WithdrawnStays(),
        ["answering before the database is loaded"] = () => new AnswersBeforeLoaded(),
        ["a host writing another's rows"] = () => new AnyRowIsTaken(),
        ["reporting before the domains were looked at"] = () => new ReportsTooEarly(),
        ["acting before any order came"] = () => new SilenceIsAnOrder(),
        ["half a full state taken"] = () => new HalfIsTaken(),
        ["epoch not checked"] = () => new EpochNotChecked(),
        ["no reload after the database was away"] = () => new NeverReloads(),
        ["wall clock in a decision"] = () => new WallClockDecides(),
        ["a change left out of an update"] = () => new ChangeIsLeftOut(),
    };

    /// <returns>The outcome that gave the variant away, and how many seeds it took; null when none did.</returns>
    public static (int Seeds, Outcome Outcome)? Catch(Func<Mutant> mutant, int first = 1)
    {
        for (var seeds = 1; seeds <= SeedsMax; seeds++)
        {
            if (World.Run(first + seeds - 1, mutant()) is { Violation: not null } outcome)
                return (seeds, outcome);
        }
        return null;
    }
}
