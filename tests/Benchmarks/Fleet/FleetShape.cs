using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// What every host of the fleet is sent and reports, made from the host's number alone, so that each process of the
/// benchmark knows all rows without being told.
/// </summary>
/// <remarks>
/// A host is sent its own row, 25 instances and 25 places. It reports its own row and 99 domains: the 25, and others that
/// it is still to let go of.
/// </remarks>
internal sealed class FleetShape(EntityCatalog catalog)
{
    public const int Places = 25;
    public const int Domains = 99;
    public const int HostsPerTenant = 20;

    // About the bytes that the flags of a server processor take.
    private static readonly TextList Features =
        TextList.Of(Enumerable.Range(0, 90).Select(i => string.Create(CultureInfo.InvariantCulture, $"feature{i}")));

    private readonly Entity _host = catalog["host"];
    private readonly Entity _instance = catalog["instance"];
    private readonly Entity _place = catalog["host_instance"];
    private readonly MessageCodec _codec = new(catalog);

    public static Guid Tenant(int host) => Id(host / HostsPerTenant, 0xFFFF);

    public static Guid Host(int host) => Id(host, 0xFFFE);

    public static Guid Instance(int host, int number) => Id(host, (ushort)number);

    public static string HostName(int host) => string.Create(CultureInfo.InvariantCulture, $"node-{host:00000}.example.net");

    public static string InstanceName(int host, int number) => string.Create(CultureInfo.InvariantCulture, $"server-{host:00000}-{number:00}");

    /// <summary>What an instance is ordered to be.</summary>
    public static InstanceDesired Order(int host, int number, int vcpu = 1) => new()
    {
        Uuid = Instance(host, number),
        Tenant = Tenant(host),
        Name = InstanceName(host, number),
        State = InstanceState.Running,
        Vcpu = vcpu,
        Mem = 2048,
    };

    /// <summary>The desired rows of a host.</summary>
    public IEnumerable<RowChange> Desired(int host)
    {
        yield return RowChange.Set(_host, RowPart.Desired, new HostDesired { Uuid = Host(host), Name = HostName(host) });
        for (var i = 0; i < Places; i++)
        {
            yield return RowChange.Set(_instance, RowPart.Desired, Order(host, i));
            yield return RowChange.Set(_place, RowPart.Desired, new HostInstanceDesired { Host = Host(host), Instance = Instance(host, i) });
        }
    }

    /// <summary>The current rows of a host.</summary>
    public IEnumerable<RowChange> Current(int host)
    {
        yield return HostRow(host, 0);
        for (var i = 0; i < Domains; i++)
            yield return Domain(host, i, 2048);
    }

    /// <summary>A host's own row; <paramref name="free"/> is the part of it that changes from time to time.</summary>
    public RowChange HostRow(int host, long free) => RowChange.Set(_host, RowPart.Current, new HostCurrent
    {
        Uuid = Host(host),
        AgentVersion = "0.1.0",
        BootId = "0c5a1a57-5b34-4c4f-9f1f-5d8c3a1b7e42",
        BootTime = DateTimeOffset.UnixEpoch.AddYears(55),
        Kernel = "6.1.0-28-amd64",
        CpuModel = "A processor of some generation @ 2.40 GHz",
        CpuThreads = 128,
        CpuFeatures = Features,
        MemoryTotal = 1_048_576,
        MemoryFree = free,
        Hypervisor = "QEMU 7.2.0",
        Accelerator = "kvm",
        Addresses = TextList.Of(["192.0.2.17", "2001:db8::17"]),
    });

    /// <summary>A domain as its host reports it.</summary>
    public RowChange Domain(int host, int number, long memory) => RowChange.Set(_place, RowPart.Current, new HostInstanceCurrent
    {
        Host = Host(host),
        Instance = Instance(host, number),
        Status = InstanceStatus.Running,
        Vcpu = 1,
        Mem = memory,
        Why = number < Places ? null : "It is to be on another host, and goes from here once it runs there; until then it stays as it was.",
        ConsoleLog = $"/var/log/ponycloud/console/{Instance(host, number)}.log",
    });

    /// <summary>The number of vCPUs that the first instance of a host has.</summary>
    public int? Vcpu(StateSnapshot replica, int host) =>
        (replica[_instance].Find(Instance(host, 0))?.Desired as InstanceDesired)?.Vcpu;

    /// <summary>A host's whole current state as one message.</summary>
    public byte[] CurrentState() => _codec.Encode(new Message.TwilightUpdate(Host(0), Update([.. Current(0)])));

    /// <summary>A host's whole desired state as one message.</summary>
    public byte[] DesiredState() => _codec.Encode(new Message.SparkleUpdate(Update([.. Desired(0)])));

    /// <summary>A message that orders another first instance.</summary>
    public byte[] OrderUpdate() => _codec.Encode(new Message.SparkleUpdate(Update([RowChange.Set(_instance, RowPart.Desired, Order(0, 0))])));

    /// <summary>A host's keep-alive as it goes over the wire.</summary>
    public byte[] KeepAlive() => _codec.Encode(new Message.TwilightUpdate(Host(0), Update([])));

    /// <summary>A message with the one row that <see cref="Domain"/> gives.</summary>
    public byte[] DomainUpdate() => _codec.Encode(new Message.TwilightUpdate(Host(0), Update([Domain(0, 0, 2048)])));

    public static StateUpdate Update(IReadOnlyList<RowChange> changes) =>
        new("0123456789abcdef", 1000, new StreamId("0123456789abcdef", 1), changes);

    // Spread over all bits by a multiplication, as real ones are.
    private static Guid Id(int host, ushort kind)
    {
        var spread = unchecked((uint)host * 2654435761u);
        return new Guid(spread, kind, (ushort)(0x4000 | (host & 0xFFF)), 0x80, 0, 0, 0, (byte)(host >> 24), (byte)(host >> 16), (byte)(host >> 8), (byte)host);
    }
}
