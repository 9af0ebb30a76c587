using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// Snapshots inside of qcow2 files that QEMU has open (QMP, <c>blockdev-snapshot-internal-sync</c>). libvirt itself takes such
/// snapshots only together with the guest's memory, so QEMU is asked through it. Its calls block.
/// </summary>
internal static class DiskSnapshots
{
    internal static void Take(DomainHandle domain, string alias, string snapshot)
    {
        var disk = Find(domain, alias);
        if (!disk.Snapshots.Contains(snapshot))
            Ask(domain, Command("blockdev-snapshot-internal-sync", disk.Node, snapshot), $"take a snapshot of {alias}");
    }

    internal static void Remove(DomainHandle domain, string alias, string snapshot)
    {
        var disk = Find(domain, alias);
        if (disk.Snapshots.Contains(snapshot))
            Ask(domain, Command("blockdev-snapshot-delete-internal-sync", disk.Node, snapshot), $"remove a snapshot of {alias}");
    }

    private static Disk Find(DomainHandle domain, string alias)
    {
        var what = $"find the disk {alias}";
        var disks = Ask(domain, new JsonObject { ["execute"] = "query-block" }, what) as JsonArray ?? [];
        foreach (var disk in disks)
        {
            // Devices of virtio have a part of their own for what drives the disk.
            var device = (string?)disk?["qdev"] ?? "";
            if ((device == alias || device.Contains($"/{alias}/", StringComparison.Ordinal)) && disk!["inserted"] is { } inserted)
            {
                var snapshots = inserted["image"]?["snapshots"] as JsonArray ?? [];
                return new Disk(
                    (string?)inserted["node-name"] ?? "", [.. snapshots.Select(snapshot => (string?)snapshot?["name"]).OfType<string>()]);
            }
        }
        throw new HypervisorException(HypervisorFailure.NoSuchDevice, 0, $"Cannot {what}: the domain has none, or nothing in it.");
    }

    private static JsonObject Command(string name, string node, string snapshot) => new()
    {
        ["execute"] = name,
        ["arguments"] = new JsonObject { ["device"] = node, ["name"] = snapshot },
    };

    private static JsonNode? Ask(DomainHandle domain, JsonObject command, string what)
    {
        LibvirtError.ThrowIfNegative(
            LibvirtDiskNative.virDomainQemuMonitorCommand(domain, command.ToJsonString(), out var text, 0), what);
        var answer = JsonNode.Parse(LibvirtSession.TakeText(text) ?? "{}");
        return answer?["error"] is { } error
            ? throw new HypervisorException(HypervisorFailure.Failed, 0, $"Cannot {what}: {(string?)error["desc"]}")
            : answer?["return"];
    }

    /// <param name="Node">What QEMU calls what it has open.</param>
    private sealed record Disk(string Node, IReadOnlyList<string> Snapshots);
}
