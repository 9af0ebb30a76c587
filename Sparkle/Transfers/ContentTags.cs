using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>
/// Strong entity tags of contents. Nobody hashes a volume for each download, so a tag names all that can change a content:
/// which one it is, and how often an instance could write to it. What is counted is counted by this process, so one of
/// another run of the controller is another tag. The control loop writes, anybody reads.
/// </summary>
public sealed class ContentTags(EntityCatalog catalog) : IControlFeature
{
    private const int Length = 16;

    private readonly Entity _volumes = catalog["volume"];
    private readonly Entity _vdisks = catalog["vdisk"];
    private readonly Entity _kept = catalog["host_volume"];
    private readonly string _run = Convert.ToHexString(RandomNumberGenerator.GetBytes(Length));
    private readonly ConcurrentDictionary<Guid, long> _lastUse = [];

    public void Settled(ChangeSet changes)
    {
        foreach (var row in changes.Rows)
        {
            if (!row.Changed(RowPart.Desired))
                continue;
            if (row.Entity == _vdisks)
            {
                Use((row.Before?.Desired as VdiskDesired)?.Volume, changes.After.Revision);
                Use((row.After?.Desired as VdiskDesired)?.Volume, changes.After.Revision);
            }
            else if (row.Entity == _volumes && row is { Before.Desired: VolumeDesired gone, After: not { Desired: not null } })
            {
                _lastUse.TryRemove(gone.Uuid, out _);
            }
        }
    }

    /// <summary>Whether an instance has the volume.</summary>
    public bool IsAttached(StateSnapshot snapshot, Guid volume) =>
        snapshot[_vdisks].Where("volume", volume.ToString()).Any(row => row.Desired is not null);

    /// <summary>The tag of a content that stays as it is for as long as it has this tag; null where that cannot be told.</summary>
    public string? Find(StateSnapshot snapshot, VolumeDesired volume)
    {
        if (volume.Content != VolumeContent.Made || volume.Revert is not null || IsAttached(snapshot, volume.Uuid))
            return null;
        var isAsOrdered = snapshot[_kept].Where("volume", volume.Uuid.ToString()).Any(row =>
            row.Desired is not null && row.Current is HostVolumeCurrent { Status: StorageStatus.Ready } current
            && current.Size == volume.Size && current.Generation == volume.Generation && (current.Reverts ?? 0) == volume.Reverts);
        if (!isAsOrdered)
            return null;
        var named = string.Create(
            CultureInfo.InvariantCulture,
            $"{_run} {volume.Uuid} {volume.Generation} {volume.Reverts} {volume.Size} {_lastUse.GetValueOrDefault(volume.Uuid)}");
        return $"\"{Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(named)).AsSpan(0, Length))}\"";
    }

    private void Use(Guid? volume, long revision)
    {
        if (volume is { } used)
            _lastUse[used] = revision;
    }
}
