using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Storage;

/// <summary>What a volume is still to be made from.</summary>
/// <param name="Volume">The volume that it is to be a copy of.</param>
/// <param name="Image">The image of which there must be a copy in its pool.</param>
/// <param name="Why">Why it can be made from nothing that there is, in words for its owner.</param>
internal readonly record struct VolumeSource(Guid? Volume, Guid? Image, string? Why)
{
    public static VolumeSource Of(StorageRows rows, StateSnapshot state, VolumeDesired volume)
    {
        if (volume.Content != VolumeContent.Pending)
            return default;
        if (volume.BaseVolume is not null)
            return new VolumeSource(volume.BaseVolume, null, null);
        if (volume.BaseImage is not { } image)
            return default;
        if (state[rows.Image].Find(image)?.Desired is ImageDesired { SourceUri: not null })
            return new VolumeSource(null, image, null);
        var holders = rows.VolumesBy(state, "image", image).Where(holder => holder.Image == image && holder.Uuid != volume.Uuid).ToList();
        var best = holders.Where(holder => holder.Content == VolumeContent.Made)
            // Near is better, and the same one each time it is asked.
            .OrderByDescending(holder => holder.StoragePool == volume.StoragePool).ThenBy(holder => holder.Uuid).FirstOrDefault();
        return best is not null
            ? new VolumeSource(best.Uuid, null, null)
            : new VolumeSource(null, null, holders.Count == 0
                ? "Its image has no content: neither a source nor a volume that holds it."
                : "The volume that holds the content of its image is not made yet.");
    }
}
