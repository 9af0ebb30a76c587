using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>Makes and changes qcow2 files by <c>qemu-img</c>. It made them all, so what their headers say can be believed.</summary>
/// <param name="limit">How long work on one file may take that grows with its size.</param>
internal sealed class Qcow2Files(PoolTools tools, TimeSpan limit)
{
    internal const string Format = "qcow2";

    internal static string SizeText(long size) => $"{size.ToString(CultureInfo.InvariantCulture)}M";

    internal Task CreateAsync(string path, long size, CancellationToken cancellationToken) =>
        RunAsync(StorageFailure.Unreachable, cancellationToken, "create", "-q", "-f", Format, "--", path, SizeText(size));

    /// <param name="image">Name of the image's file; relative, so that the directory may stand elsewhere on another host.</param>
    internal Task CloneAsync(string image, string path, long size, CancellationToken cancellationToken) => RunAsync(
        StorageFailure.Missing, cancellationToken, "create", "-q", "-f", Format, "-b", image, "-F", Format, "--", path, SizeText(size));

    internal Task GrowAsync(string path, long size, CancellationToken cancellationToken) =>
        RunAsync(StorageFailure.Missing, cancellationToken, "resize", "-q", "-f", Format, "--", path, SizeText(size));

    internal Task SnapshotAsync(string path, Guid snapshot, CancellationToken cancellationToken) =>
        RunAsync(StorageFailure.Missing, cancellationToken, "snapshot", "-q", "-c", snapshot.ToString(), "--", path);

    internal Task RevertAsync(string path, Guid snapshot, CancellationToken cancellationToken) =>
        RunAsync(StorageFailure.Missing, cancellationToken, "snapshot", "-q", "-a", snapshot.ToString(), "--", path);

    internal Task RemoveSnapshotAsync(string path, Guid snapshot, CancellationToken cancellationToken) =>
        RunAsync(StorageFailure.Missing, cancellationToken, "snapshot", "-q", "-d", snapshot.ToString(), "--", path);

    internal async Task<ObjectDetails> InspectAsync(string path, CancellationToken cancellationToken)
    {
        // Shared, since a guest may have it open.
        var said = await RunAsync(StorageFailure.Missing, cancellationToken, "info", "-U", "--output=json", "-f", Format, "--", path);
        try
        {
            var info = JsonNode.Parse(said)!;
            return new ObjectDetails
            {
                Size = MiB.Of((long)info["virtual-size"]!),
                Snapshots = [.. (info["snapshots"]?.AsArray() ?? []).Select(SnapshotOf).OfType<FoundSnapshot>()],
                Backing = (string?)info["backing-filename"] is { } backing ? ObjectName.Parse(backing) : null,
            };
        }
        catch (Exception exception)
            when (exception is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new StorageException(StorageFailure.Failed, $"qemu-img says nothing that makes sense of {path}.", exception);
        }
    }

    private static FoundSnapshot? SnapshotOf(JsonNode? snapshot) => Guid.TryParseExact((string?)snapshot!["name"], "D", out var uuid)
        ? new FoundSnapshot(uuid, DateTimeOffset.FromUnixTimeSeconds((long)snapshot["date-sec"]!))
        : null;

    private Task<string> RunAsync(StorageFailure missing, CancellationToken cancellationToken, params string[] arguments) =>
        tools.RunAsync(new ToolCall("qemu-img", arguments) { Timeout = limit }, missing, cancellationToken);
}
