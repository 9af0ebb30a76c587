using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Sparkle.Placement.Extents;

/// <summary>What was refused, and when it is tried again: each time in a row that it fails, twice as long after.</summary>
internal sealed class Setbacks(Backoff backoff)
{
    private readonly Dictionary<Guid, (int Failures, TimeSpan Until)> _setbacks = [];

    public bool IsPaused(Guid what, TimeSpan now) => _setbacks.TryGetValue(what, out var setback) && now < setback.Until;

    public void Add(Guid what, TimeSpan now)
    {
        var failures = _setbacks.GetValueOrDefault(what).Failures + 1;
        _setbacks[what] = (failures, now + backoff.DelayAfter(failures));
    }

    public void Remove(Guid what) => _setbacks.Remove(what);

    /// <summary>Whether a pause ended after one time and not after another.</summary>
    public bool HasEnded(TimeSpan after, TimeSpan now) =>
        _setbacks.Count > 0 && _setbacks.Values.Any(setback => setback.Until > after && setback.Until <= now);
}
