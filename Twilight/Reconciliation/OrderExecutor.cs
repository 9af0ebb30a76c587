namespace PonyCloud.Twilight.Reconciliation;

/// <summary>An action that has ended.</summary>
/// <param name="Failure">Null unless it failed.</param>
/// <param name="EndedAt">The count, as the executor was given it, when it ended.</param>
public sealed record OrderOutcome<TAction>(TAction Action, ActionEnd End, Exception? Failure, long EndedAt);

/// <summary>What an <see cref="OrderExecutor{TSubject,TAction}"/> needs to know of what it carries out.</summary>
/// <typeparam name="TSubject">What an action is about: at most one runs for each.</typeparam>
/// <typeparam name="TAction">One thing to do; equal ones are the same.</typeparam>
public interface IOrderWork<out TSubject, in TAction>
{
    TSubject SubjectOf(TAction action);

    /// <summary>Ends soon after it is cancelled.</summary>
    Task DoAsync(TAction action, CancellationToken cancellationToken);

    /// <summary>For the log. On any thread.</summary>
    /// <param name="failure">What was thrown; null where nothing was.</param>
    void Note(OrderStep step, TAction action, Exception? failure);
}

/// <summary>What becomes of an action.</summary>
public enum OrderStep
{
    Begun,

    /// <summary>It is cancelled.</summary>
    Withdrawn,
    Done,
    Failed,

    /// <summary>It has ended after it was withdrawn.</summary>
    GivenUp,
}

/// <summary>
/// Carries out what the newest plan says, at most one action for each subject.
/// <code>
///             in the plan                  ended
///   (none) ───────────────► RUNNING ──────────────────► ENDED ── Collect ──► (none)
///                              │ no longer in the plan     ▲
///                              └──────► WITHDRAWN ─────────┘ cancelled at once
/// </code>
/// </summary>
/// <remarks>
/// Owned by one loop. An action that has ended stays in flight until it is collected, so a plan never sees the gap between what it
/// did and the look that shows it.
/// </remarks>
/// <param name="count">Counts up; tells what was before and what after.</param>
/// <param name="ended">Called on any thread when an action has ended.</param>
public sealed class OrderExecutor<TSubject, TAction>(IOrderWork<TSubject, TAction> work, Func<long> count, Action ended) : IAsyncDisposable
    where TSubject : notnull
    where TAction : class
{
    private readonly Dictionary<TSubject, Run> _runs = [];
    private bool _isDisposed;

    /// <summary>What has begun and not been collected.</summary>
    public IReadOnlyDictionary<TSubject, TAction> InFlight => _runs.ToDictionary(run => run.Key, run => run.Value.Action);

    /// <summary>What has ended and not been collected.</summary>
    public IReadOnlyList<OrderOutcome<TAction>> Ended =>
        [.. _runs.Values.Where(run => run.Outcome.IsCompleted).Select(run => run.Outcome.Result)];

    /// <summary>Begins what is new in the plan, lets go on what is in it still, cancels what is not.</summary>
    public void Carry(IEnumerable<TAction> plan)
    {
        var actions = plan.ToDictionary(work.SubjectOf);
        foreach (var (subject, run) in _runs)
        {
            if (!run.IsWithdrawn && !run.Outcome.IsCompleted && !run.Action.Equals(actions.GetValueOrDefault(subject)))
            {
                work.Note(OrderStep.Withdrawn, run.Action, null);
                run.Withdraw();
            }
        }
        foreach (var (subject, action) in actions)
        {
            if (_runs.ContainsKey(subject))
                continue;
            work.Note(OrderStep.Begun, action, null);
            var run = new Run(action);
            _runs.Add(subject, run);
            run.Begin(RunAsync(run), ended);
        }
    }

    /// <summary>Takes actions that have ended out of flight.</summary>
    public void Collect(IEnumerable<OrderOutcome<TAction>> outcomes)
    {
        foreach (var outcome in outcomes)
        {
            if (_runs.Remove(work.SubjectOf(outcome.Action), out var run))
                run.Dispose();
        }
    }

    /// <summary>Withdraws what is in flight, and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        foreach (var run in _runs.Values)
            run.Withdraw();
        await Task.WhenAll(_runs.Values.Select(run => run.Outcome));
        Collect(Ended);
    }

    private async Task<OrderOutcome<TAction>> RunAsync(Run run)
    {
        // The loop goes on while even the first call is made.
        await Task.Yield();
        try
        {
            await work.DoAsync(run.Action, run.Token);
            work.Note(OrderStep.Done, run.Action, null);
            return new OrderOutcome<TAction>(run.Action, ActionEnd.Done, null, count());
        }
        catch (Exception exception) when (run.IsWithdrawn)
        {
            // Whether it was cancelled or happened to fail: nobody wants it any more.
            work.Note(OrderStep.GivenUp, run.Action, exception);
            return new OrderOutcome<TAction>(run.Action, ActionEnd.Withdrawn, null, count());
        }
#pragma warning disable CA1031 // Nothing that an action throws may be lost: it becomes the state of its subject, and the log's.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            work.Note(OrderStep.Failed, run.Action, exception);
            return new OrderOutcome<TAction>(run.Action, ActionEnd.Failed, exception, count());
        }
    }

    private sealed class Run(TAction action) : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();
        private Task<OrderOutcome<TAction>>? _outcome;
        private volatile bool _isWithdrawn;

        public TAction Action => action;

        public CancellationToken Token => _cancellation.Token;

        public bool IsWithdrawn => _isWithdrawn;

        public Task<OrderOutcome<TAction>> Outcome => _outcome ?? throw new InvalidOperationException("Not begun.");

        public void Begin(Task<OrderOutcome<TAction>> outcome, Action ended)
        {
            _outcome = outcome;
            outcome.ContinueWith(_ => ended(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        public void Withdraw()
        {
            _isWithdrawn = true;
            _cancellation.Cancel();
        }

        public void Dispose() => _cancellation.Dispose();
    }
}
