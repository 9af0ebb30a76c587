using Microsoft.Extensions.Logging;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Metadata.Documents;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Metadata.Seeds;

/// <summary>
/// The NoCloud disks of instances that reach no metadata service: made before each start, so that they say what the rows say then, and
/// before it comes here from another host, as its drive is copied with it; gone with the instance.
/// </summary>
public sealed partial class SeedDisks(SeedOptions options, MetadataRows rows, IToolRunner tools, ILogger<SeedDisks> logger) : IInstancePreparation
{
    /// <summary>By which cloud-init knows the disk.</summary>
    public const string Label = "cidata";

    private const UnixFileMode Passage = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>The disk that an instance is to start with; null when it needs none.</summary>
    /// <param name="desired">The rows that the start is planned from.</param>
    public string? PathFor(StateSnapshot desired, Guid instance) => rows.Find(desired, instance) is { NeedsSeed: true } ? FileOf(instance) : null;

    /// <inheritdoc/>
    /// <exception cref="ToolException">The disk could not be made.</exception>
    /// <exception cref="IOException">The disk could not be written.</exception>
    public async Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken)
    {
        // What a start that was cut off left behind is in nobody's way, but secret.
        Remove(instance);
        if (rows.Find(instance) is not { NeedsSeed: true } metadata)
            return;
        Directory.CreateDirectory(options.Directory, Passage);
        var (content, disk) = (ContentOf(instance), MakingOf(instance));
        Directory.CreateDirectory(content, Own);
        try
        {
            foreach (var (name, text) in NoCloudFiles.Of(metadata))
                await File.WriteAllTextAsync(Path.Combine(content, name), text, cancellationToken);
            // It is nobody's but root's from its first byte; what libvirt hands to QEMU, it hands over itself.
            await using (new FileStream(disk, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }))
            {
            }
            // Joliet and Rock Ridge, so that the names are whole for every reader; no padding, which old drives wanted.
            await tools.RunAsync(
                new ToolCall("xorriso", "-no_rc", "-as", "mkisofs", "-quiet", "-V", Label, "-J", "-r", "-no-pad", "-o", disk, content),
                cancellationToken);
            File.Move(disk, FileOf(instance), overwrite: true);
        }
        finally
        {
            RemoveMaking(instance);
        }
    }

    /// <inheritdoc/>
    public Task BeforeArrivalAsync(Guid instance, CancellationToken cancellationToken) => BeforeStartAsync(instance, cancellationToken);

    /// <inheritdoc/>
    public void Forget(Guid instance)
    {
        try
        {
            Remove(instance);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LogKept(exception, FileOf(instance));
        }
    }

    private string FileOf(Guid instance) => Path.Combine(options.Directory, $"{instance}.iso");

    private string MakingOf(Guid instance) => Path.Combine(options.Directory, $"{instance}.making");

    private string ContentOf(Guid instance) => Path.Combine(options.Directory, $"{instance}.content");

    private void Remove(Guid instance)
    {
        if (!Directory.Exists(options.Directory))
            return;
        File.Delete(FileOf(instance));
        RemoveMaking(instance);
    }

    private void RemoveMaking(Guid instance)
    {
        File.Delete(MakingOf(instance));
        if (Directory.Exists(ContentOf(instance)))
            Directory.Delete(ContentOf(instance), recursive: true);
    }

    [LoggerMessage(EventId = 3811, Level = LogLevel.Warning, Message = "The cloud-init disk of an instance stays: {File}")]
    private partial void LogKept(Exception exception, string file);
}
