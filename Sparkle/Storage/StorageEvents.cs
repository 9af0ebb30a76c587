using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Storage;

/// <summary>
/// Records what becomes broken or is lost, in the words of whoever found it: <c>volume-broken</c>, <c>volume-lost</c>,
/// <c>image-failed</c>. Owned by the control loop.
/// </summary>
internal sealed class StorageEvents(EntityCatalog catalog, StorageRows rows, IEventSink events, TimeProvider time) : IControlFeature
{
    private readonly Entity _hostImage = catalog["host_image"];

    public void Settled(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.HostVolume)
                Look(changes.After, transition);
            else if (transition.Entity == _hostImage
                && transition.Before?.Current is not HostImageCurrent { Status: StorageStatus.Broken }
                && transition.After?.Current is HostImageCurrent { Status: StorageStatus.Broken } failed)
            {
                var copy = changes.After[rows.ImageCopy].Find(failed.ImageCopy)?.Desired as ImageCopyDesired;
                Record("image-failed", failed.Host, null, "image", copy?.Image, failed.Why);
            }
        }
    }

    private void Look(StateSnapshot state, RowTransition transition)
    {
        var host = Guid.Parse(transition.Key.Parts[0]);
        var uuid = Guid.Parse(transition.Key.Parts[1]);
        var wasBroken = transition.Before?.Current is HostVolumeCurrent { Status: StorageStatus.Broken };
        if (!wasBroken && transition.After is { Desired: not null, Current: HostVolumeCurrent { Status: StorageStatus.Broken } broken })
            Record("volume-broken", host, InstanceOf(state, uuid), "volume", uuid, broken.Why);
        if (transition is { Before.Desired: not null } && transition.After?.Desired is null
            && rows.VolumeOf(state, uuid) is { Content: VolumeContent.Made } volume
            && rows.KeeperOf(state, uuid) is null
            && rows.PoolOf(state, volume.StoragePool) is { Shareable: false })
            Record("volume-lost", host, InstanceOf(state, uuid), "volume", uuid, "The host that had it for itself is gone.");
    }

    private Guid? InstanceOf(StateSnapshot state, Guid volume) =>
        rows.InstancesOf(state, volume).Select(instance => (Guid?)instance).FirstOrDefault();

    private void Record(string type, Guid host, Guid? instance, string what, Guid? uuid, string? why) =>
        events.Record(new PlatformEvent(type, EventSeverity.Error, host, instance, time.GetUtcNow(), JsonText.Parse(
            JsonSerializer.Serialize(new Dictionary<string, string?> { [what] = uuid?.ToString(), ["why"] = why }))));
}
