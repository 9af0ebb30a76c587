using System.Globalization;
using System.Text;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Instances;

/// <summary>What instances have used, as OpenMetrics text (openmetrics.io, 1.0). Pure.</summary>
internal static class StatisticsText
{
    internal const string MediaType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private static readonly (string Name, string Kind, string Help, Func<DomainStatistics, double> Value)[] Families =
    [
        ("cpu_seconds", "counter", "Processor time that the host spent for it.", of => of.ProcessorTime.TotalSeconds),
        ("memory_bytes", "gauge", "Memory that the guest has.", of => of.Memory),
        ("memory_resident_bytes", "gauge", "Memory of the host that its emulator holds.", of => of.ResidentMemory),
        ("disk_read_bytes", "counter", "Read from its disks.", of => of.DiskRead.Bytes),
        ("disk_read_requests", "counter", "Reads from its disks.", of => of.DiskRead.Units),
        ("disk_written_bytes", "counter", "Written to its disks.", of => of.DiskWritten.Bytes),
        ("disk_written_requests", "counter", "Writes to its disks.", of => of.DiskWritten.Units),
        ("network_received_bytes", "counter", "Received by its network cards.", of => of.NetworkReceived.Bytes),
        ("network_received_packets", "counter", "Packets received by its network cards.", of => of.NetworkReceived.Units),
        ("network_sent_bytes", "counter", "Sent by its network cards.", of => of.NetworkSent.Bytes),
        ("network_sent_packets", "counter", "Packets sent by its network cards.", of => of.NetworkSent.Units),
    ];

    internal static string Of(IEnumerable<DomainStatistics> domains)
    {
        // A domain of ours is named after its uuid; of others nobody asks.
        var own = domains.Where(domain => domain.Name == DomainXml.NameOf(domain.Uuid)).OrderBy(domain => domain.Uuid).ToList();
        var text = new StringBuilder();
        foreach (var (name, kind, help, value) in Families)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE ponycloud_instance_{name} {kind}\n# HELP ponycloud_instance_{name} {help}\n");
            var suffix = kind == "counter" ? "_total" : "";
            foreach (var domain in own)
                text.Append(CultureInfo.InvariantCulture, $"ponycloud_instance_{name}{suffix}{{instance=\"{domain.Uuid}\"}} {value(domain):R}\n");
        }
        return text.Append("# EOF\n").ToString();
    }
}
