namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// The network cards and disks of domains as they were last read, so that a look at a host on which nothing happens reads none.
/// <code>
///              read                     event of the domain, a call that changes it,
///   (unknown) ──────► KNOWN ──────────► the connection came or went, five minutes ──────► (unknown)
///                        └ another start of the domain has another id
/// </code>
/// </summary>
/// <remarks>
/// libvirt tells of every device that comes and goes, and of no link that is set: the five minutes are for those that
/// somebody else sets. A connection that was lost may have lost events with it, so nothing outlives it.
/// </remarks>
internal sealed class DeviceCache(TimeProvider time)
{
    internal static readonly TimeSpan KnownFor = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Known> _known = [];
    private long _changes;

    /// <param name="id">The domain's number since it was started.</param>
    /// <param name="read">Asks libvirt; null when the domain is gone.</param>
    internal ObservedDevices? Get(Guid domain, uint id, Func<ObservedDevices?> read)
    {
        long changes;
        lock (_gate)
        {
            if (_known.TryGetValue(domain, out var known) && known.Id == id && time.GetElapsedTime(known.ReadAt) < KnownFor)
                return known.Devices;
            changes = _changes;
        }
        var readAt = time.GetTimestamp();
        if (read() is not { } devices)
            return null;
        lock (_gate)
        {
            // What changed while it was read may be in it or not.
            if (changes == _changes)
                _known[domain] = new Known(id, devices, readAt);
        }
        return devices;
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

    private sealed record Known(uint Id, ObservedDevices Devices, long ReadAt);
}
