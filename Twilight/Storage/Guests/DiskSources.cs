using System.Text.Json.Nodes;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Guests;

/// <summary>Says to libvirt what QEMU is to open. Pure.</summary>
internal static class DiskSources
{
    /// <param name="secret">Which of libvirt's secrets has what the node's secret has.</param>
    /// <exception cref="StorageException">Guests cannot open such a thing.</exception>
    internal static DiskSource Of(BlockNode node, Guid secret)
    {
        var options = node.Options;
        var file = options["file"] as JsonObject ?? options;
        Guid? key = node.Secrets.Count > 0 ? secret : null;
        return (Text(options, "driver"), Text(file, "driver")) switch
        {
            ("qcow2", "file") => new DiskSource.Qcow2(Text(file, "filename")),
            ("raw", "file") => new DiskSource.Raw(Text(file, "filename")),
            ("raw", "host_device") => new DiskSource.Device(Text(file, "filename")),
            ("raw", "rbd") => new DiskSource.Rbd(
                Text(file, "pool"), Text(file, "image"), string.Join(',', file["server"]!.AsArray().Select(Server)), Text(file, "user"), key),
            ("raw", "iscsi") => new DiskSource.Iscsi(
                Text(file, "portal"), Text(file, "target"), (int)file["lun"]!, Text(file, "initiator-name"), (long?)options["size"],
                (string?)file["user"], key),
            (var driver, _) => throw new StorageException(StorageFailure.Unsupported, $"No guest can open {node.Path} by {driver}."),
        };
    }

    private static string Server(JsonNode? server)
    {
        var host = (string)server!["host"]!;
        return $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{(string)server["port"]!}";
    }

    private static string Text(JsonObject options, string name) => (string?)options[name] ?? "";
}
