namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What becomes of a subject now.</summary>
/// <param name="Acting">What is done to it; null for nothing.</param>
/// <param name="Failed">The first thing that failed and waits to be tried again.</param>
internal readonly record struct Verdict(StorageAction? Acting, Due? Failed, string? Why)
{
    /// <summary>Why an action is not done, as far as it failed.</summary>
    public string? WhyNot(StorageAction action) => Failed?.Action == action ? Why : null;
}

/// <summary>
/// Picks of what is due for a subject the one thing that is done now. An action in flight that is still due is kept; one that is not
/// is left out of the plan, which withdraws it, and its subject waits until it has ended. What failed waits, and what is due behind
/// it goes first.
/// </summary>
internal sealed class Agenda(StoragePlannerInput input)
{
    private readonly Dictionary<StorageSubject, Verdict> _verdicts = [];
    private readonly List<StorageAction> _actions = [];
    private readonly HashSet<StorageAction> _due = [];

    internal IReadOnlyList<StorageAction> Actions => _actions;

    internal IReadOnlySet<StorageAction> Due => _due;

    internal TimeSpan? WakeAt { get; private set; }

    internal bool Has(StorageSubject subject) => _verdicts.ContainsKey(subject);

    /// <param name="subject">Whoever asks first for a subject decides.</param>
    /// <param name="mayBegin">Otherwise only what is in flight goes on.</param>
    internal Verdict Take(StorageSubject subject, IEnumerable<Due> due, bool mayBegin = true)
    {
        if (_verdicts.TryGetValue(subject, out var before))
            return before;
        var verdict = Judge(subject, [.. due], mayBegin);
        _verdicts.Add(subject, verdict);
        if (verdict.Acting is not null)
            _actions.Add(verdict.Acting);
        return verdict;
    }

    private Verdict Judge(StorageSubject subject, List<Due> due, bool mayBegin)
    {
        foreach (var (action, _) in due)
            _due.Add(action);
        var failed = due.Find(one => input.Failures.ContainsKey(one.Action));
        var why = failed is null ? null : input.Failures[failed.Action].Why;
        if (input.InFlight.TryGetValue(subject, out var inFlight))
            return new Verdict(due.Exists(one => LeadsTo(inFlight, one.Action)) ? inFlight : null, failed, why);
        if (!mayBegin)
            return new Verdict(null, failed, why);
        foreach (var (action, _) in due)
        {
            if (!input.Failures.TryGetValue(action, out var failure) || failure.NotBefore <= input.Now)
                return new Verdict(action, failed, why);
            WakeAt = WakeAt is { } at && at < failure.NotBefore ? at : failure.NotBefore;
        }
        return new Verdict(null, failed, why);
    }

    // What is filled meanwhile to a smaller size is not thrown away: it can grow.
    private static bool LeadsTo(StorageAction inFlight, StorageAction due) => inFlight == due
        || (inFlight is StorageAction.Make begun && due is StorageAction.Make make && begun.Target.Size < make.Target.Size
            && begun with { Target = make.Target } == make && begun.Target with { Size = make.Target.Size } == make.Target);
}
