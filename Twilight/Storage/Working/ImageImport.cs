using System.Text.Json.Nodes;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>
/// Brings an image into a pool: fetched into the staging directory, which is on a disk of the host, looked at, and only then copied
/// under a name of its own and published.
/// </summary>
public sealed class ImageImport(StorageReconcilerOptions options, IImageFetcher fetcher, IImageInspector inspector, IVolumeCopier copier)
{
    private const string Prefix = "fetch-";

    /// <summary>Removes what an agent left that was killed while it fetched.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be removed.</exception>
    public void RemoveLeftovers()
    {
        Directory.CreateDirectory(options.StagingDirectory);
        foreach (var file in Directory.EnumerateFiles(options.StagingDirectory, $"{Prefix}*"))
            File.Delete(file);
    }

    /// <exception cref="ImageException">It cannot be had, or is nothing that can be used.</exception>
    /// <exception cref="StorageException">It cannot be kept.</exception>
    public async Task FetchAsync(
        ImageDesired image, IStoragePool pool, IProgress<WorkProgress> progress, CancellationToken cancellationToken)
    {
        var attempt = Guid.NewGuid();
        var file = Path.Combine(options.StagingDirectory, $"{Prefix}{attempt:N}");
        try
        {
            await fetcher.FetchAsync(image, file, new Fetching(progress), cancellationToken);
            var content = await inspector.InspectAsync(file, image.Type, cancellationToken);
            var target = new StorageObject(
                ObjectName.Image(image.Uuid) with { Worker = ObjectName.WorkerOf(options.Host, attempt) }, MiB.Of(content.VirtualSize));
            await pool.CreateAsync(target, cancellationToken);
            await using (var lease = await pool.OpenAsync(target, writable: true, cancellationToken))
                await copier.CopyAsync(NodeOf(file, content.Format), lease.Node, progress, cancellationToken);
            await pool.PublishAsync(target, cancellationToken);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>With the format said, and nothing else to be opened: the content is a stranger's.</summary>
    private static BlockNode NodeOf(string file, ImageFormat format)
    {
        var node = new JsonObject { ["driver"] = "file", ["filename"] = file };
        var options = new JsonObject
        {
            ["driver"] = format == ImageFormat.Qcow2 ? "qcow2" : "raw",
            ["read-only"] = true,
            ["file"] = node,
        };
        if (format == ImageFormat.Qcow2)
            options["backing"] = null;
        return new BlockNode(options) { Path = "The image" };
    }

    private sealed class Fetching(IProgress<WorkProgress> progress) : IProgress<FetchProgress>
    {
        public void Report(FetchProgress value) => progress.Report(new WorkProgress(
            value.Total is > 0 and { } total ? (int)(value.Bytes * 100 / total) : null, value.Bytes, value.BytesPerSecond));
    }
}
