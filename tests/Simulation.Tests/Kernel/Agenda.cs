namespace PonyCloud.Simulation.Tests.Kernel;

/// <summary>What happens when. Things of one moment happen in the order in which they were planned.</summary>
internal sealed class Agenda(VirtualTime time)
{
    private readonly PriorityQueue<Action, (long Ticks, long Number)> _plan = new();
    private long _number;

    public TimeSpan Now => time.Elapsed;

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    public void At(TimeSpan moment, Action action) => _plan.Enqueue(action, (Math.Max(moment.Ticks, Now.Ticks), _number++));

    /// <summary>Again and again until <paramref name="isOver"/>.</summary>
    public void Every(TimeSpan period, Func<bool> isOver, Action action) => After(period, () =>
    {
        if (isOver())
            return;
        action();
        Every(period, isOver, action);
    });

    /// <summary>Lets the next thing happen; false when nothing does until then.</summary>
    public bool Step(TimeSpan until)
    {
        if (!_plan.TryPeek(out var action, out var moment) || moment.Ticks > until.Ticks)
            return false;
        _plan.Dequeue();
        time.Elapsed = TimeSpan.FromTicks(moment.Ticks);
        action();
        return true;
    }
}
