namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// Something about domains as it was last read, so that a look at a host on which nothing happens reads none of it.
/// <code>
///              read                     event of the domain, a call that changes it,
///   (unknown) ──────► KNOWN ──────────► the connection came or went, time is over ──────► (unknown)
///                        └ another start of the domain has another id, and one that is off has none
/// </code>
/// </summary>
/// <param name="knownFor">For changes that libvirt tells nobody of.</param>
/// <remarks>A connection that was lost may have lost events with it, so nothing outlives it.</remarks>
internal sealed class DomainCache<T>(TimeProvider time, TimeSpan knownFor)
    where T : class
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Known> _known = [];
    private long _changes;

    /// <param name="id">The domain's number since it was started; <c>uint.MaxValue</c> while it is off.</param>
    /// <param name="read">Asks libvirt; null when the domain is gone.</param>
    internal T? Get(Guid domain, uint id, Func<T?> read)
    {
        long changes;
        lock (_gate)
        {
            if (_known.TryGetValue(domain, out var known) && known.Id == id && time.GetElapsedTime(known.ReadAt) < knownFor)
                return known.Value;
            changes = _changes;
        }
        var readAt = time.GetTimestamp();
        if (read() is not { } value)
            return null;
        lock (_gate)
        {
            // What changed while it was read may be in it or not.
            if (changes == _changes)
                _known[domain] = new Known(id, value, readAt);
        }
        return value;
    }

    /// <summary>Something happened to the domain.</summary>
    internal void Forget(Guid domain)
    {
        lock (_gate)
        {
            _changes++;
            _known.Remove(domain);
        }
    }

    internal void ForgetAll()
    {
        lock (_gate)
        {
            _changes++;
            _known.Clear();
        }
    }

    private sealed record Known(uint Id, T Value, long ReadAt);
}
