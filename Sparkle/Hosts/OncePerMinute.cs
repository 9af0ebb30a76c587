namespace PonyCloud.Sparkle.Hosts;

/// <summary>Lets each key through once a minute, so that nobody fills logs; and bounded, so that nobody fills memory.</summary>
/// <param name="bound">How many keys may pass in a minute.</param>
internal sealed class OncePerMinute<TKey>(int bound)
    where TKey : notnull
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    // The oldest first.
    private readonly OrderedDictionary<TKey, TimeSpan> _passed = [];

    public bool Passes(TKey key, TimeSpan now)
    {
        while (_passed.Count > 0 && now - _passed.GetAt(0).Value >= Minute)
            _passed.RemoveAt(0);
        return _passed.Count < bound && _passed.TryAdd(key, now);
    }
}
