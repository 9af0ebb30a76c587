using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Storage;

/// <summary>Derives how far an image is from the copies that hosts keep of it, or from the volume that holds it. Owned by the control loop.</summary>
/// <remarks>The best copy counts: one that is there can be used, whatever becomes of another.</remarks>
internal sealed class ImageView(EntityCatalog catalog, StorageRows rows) : IControlFeature
{
    private readonly Entity _hostImage = catalog["host_image"];

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        var images = new HashSet<Guid>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Image && transition.Changed(RowPart.Desired))
                images.Add(Guid.Parse(transition.Key.Text));
            else if (transition.Entity == rows.ImageCopy)
                Add(transition.Before, transition.After, row => (row.Desired as ImageCopyDesired)?.Image, images);
            else if (transition.Entity == rows.Volume && transition.Changed(RowPart.Desired))
                Add(transition.Before, transition.After, row => (row.Desired as VolumeDesired)?.Image, images);
            else if (transition.Entity == _hostImage
                && changes.After[rows.ImageCopy].Find(RowKey.Of(transition.Key.Parts[1]))?.Desired is ImageCopyDesired copy)
                images.Add(copy.Image);
        }
        foreach (var uuid in images)
        {
            if (changes.After[rows.Image].Find(uuid) is { } row)
                yield return new RowChange(rows.Image, row.Key, RowPart.Current, row.Desired is ImageDesired image ? Describe(changes.After, image) : null);
        }
    }

    private static void Add(Row? before, Row? after, Func<Row, Guid?> image, HashSet<Guid> images)
    {
        foreach (var row in (Row?[])[before, after])
        {
            if (row is not null && image(row) is { } uuid)
                images.Add(uuid);
        }
    }

    private ImageCurrent Describe(StateSnapshot state, ImageDesired image)
    {
        if (image.SourceUri is null)
            return Held(state, image);
        var best = state[rows.ImageCopy].Where("image", image.Uuid.ToString())
            .SelectMany(copy => state[_hostImage].Where("image_copy", copy.Key))
            .Select(row => row.Current).OfType<HostImageCurrent>()
            .OrderBy(copy => copy.Status switch { StorageStatus.Ready => 0, StorageStatus.Preparing => 1, _ => 2 })
            .ThenByDescending(copy => copy.Bytes).ThenBy(copy => copy.Host)
            .FirstOrDefault();
        if (best is null)
        {
            var isOrdered = state[rows.ImageCopy].CountWhere("image", image.Uuid.ToString()) > 0;
            return new ImageCurrent { Uuid = image.Uuid, Status = isOrdered ? ImageStatus.Preparing : ImageStatus.Idle };
        }
        return new ImageCurrent
        {
            Uuid = image.Uuid,
            Status = best.Status switch
            {
                StorageStatus.Ready => ImageStatus.Ready,
                StorageStatus.Preparing => ImageStatus.Preparing,
                _ => ImageStatus.Broken,
            },
            Format = best.Format,
            Size = best.Size,
            Progress = best.Progress,
            Bytes = best.Bytes,
            Rate = best.Rate,
            Why = best.Why,
        };
    }

    private ImageCurrent Held(StateSnapshot state, ImageDesired image)
    {
        var holders = rows.VolumesBy(state, "image", image.Uuid).ToList();
        var made = holders.Where(volume => volume.Content == VolumeContent.Made).MinBy(volume => volume.Uuid);
        return new ImageCurrent
        {
            Uuid = image.Uuid,
            Status = made is not null ? ImageStatus.Ready : holders.Count > 0 ? ImageStatus.Preparing : ImageStatus.Empty,
            Size = made?.Size,
        };
    }
}
