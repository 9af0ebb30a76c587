using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Storage.Guests;
using PonyCloud.Twilight.Storage.Planning;
using PonyCloud.Twilight.Storage.Transfers;
using PonyCloud.Twilight.Storage.Transfers.Qemu;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// The contents of the volumes that this host keeps, for whoever fetches or brings them. The loop says what they are; the transfer
/// server asks, at any time.
/// <code>
///   row: content upload             first write              the last byte, checksum right
///   AWAITED ───────────────► partial made anew ──► written ─────────────────────────────► published: WHOLE, and the loop looks
///      │ another generation, deleted, kept elsewhere, the agent ends
///      └──► withdrawn: whoever transfers is cut off
/// </code>
/// </summary>
/// <remarks>
/// For another host to which an instance moves there is a way to read as well, to the whole content of a volume that is its disk, while no
/// guest has that. What an earlier agent began is another worker's: an upload begins anew with each start, as its offset does.
/// </remarks>
public sealed class KeptContents(OpenPools pools, BlockNodeAccess access, GuestDisks guests, StorageReconcilerOptions options)
    : IVolumeContents, IVolumeReading, IDisposable
{
    private readonly Lock _gate = new();
    private readonly string _worker = ObjectName.WorkerOf(options.Host, Guid.NewGuid());
    private readonly Dictionary<Guid, KeptContent> _contents = [];
    private readonly List<StorageObject> _brought = [];
    private ILookup<Guid, Guid> _attached = Array.Empty<Guid>().ToLookup(volume => volume);

    /// <summary>Called on any thread when an upload is whole.</summary>
    internal Action? Brought { get; set; }

    public ValueTask<IVolumeContent?> FindAsync(Guid volume, CancellationToken cancellationToken)
    {
        lock (_gate)
            return ValueTask.FromResult(_contents.TryGetValue(volume, out var content) ? content.ToContent(access) : null);
    }

    public async Task<Stream?> OpenAsync(Guid instance, Guid volume, CancellationToken cancellationToken)
    {
        KeptContent? content;
        lock (_gate)
            content = _attached[volume].Contains(instance) ? _contents.GetValueOrDefault(volume) : null;
        if (content is null)
            return null;
        if (guests.Uses.MayHave(volume))
            throw new IOException("A guest may have it open.");
        return await content.ServeAsync(access, cancellationToken);
    }

    /// <summary>What is true now. By the loop.</summary>
    internal void Become(StorageOrders orders, StoragePlan plan, IReadOnlyDictionary<Guid, VolumeRecord> records)
    {
        var states = plan.Volumes.ToDictionary(volume => volume.Volume);
        lock (_gate)
        {
            _attached = orders.Attached;
            var kept = orders.Kept.Keys
                .Where(orders.Volumes.ContainsKey)
                .Select(uuid => orders.Volumes[uuid])
                .Where(volume => volume.State != VolumeState.Deleted)
                .ToDictionary(volume => volume.Uuid);
            foreach (var (uuid, content) in _contents.Where(content => !content.Value.IsOf(kept.GetValueOrDefault(content.Key))).ToList())
            {
                _contents.Remove(uuid);
                content.Dispose();
            }
            foreach (var volume in kept.Values)
            {
                if (!_contents.TryGetValue(volume.Uuid, out var content))
                    _contents.Add(volume.Uuid, content = new KeptContent(pools, volume, _worker, BroughtIn));
                var target = orders.ObjectOf(
                    volume, ObjectName.Volume(volume.Uuid, volume.Generation), records.GetValueOrDefault(volume.Uuid));
                content.Become(target, volume, states.GetValueOrDefault(volume.Uuid));
            }
        }
    }

    /// <summary>What was brought since the last time. By the loop.</summary>
    internal IReadOnlyList<StorageObject> TakeBrought()
    {
        lock (_gate)
        {
            var brought = _brought.ToArray();
            _brought.Clear();
            return brought;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var content in _contents.Values)
                content.Dispose();
            _contents.Clear();
        }
    }

    private void BroughtIn(StorageObject target)
    {
        lock (_gate)
            _brought.Add(target);
        Brought?.Invoke();
    }
}
