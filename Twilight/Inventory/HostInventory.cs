using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Reflection;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Inventory;

/// <summary>Where the machine is looked at; others than the defaults in tests only.</summary>
public sealed record InventoryRoots
{
    public string Proc { get; init; } = "/proc";

    public string Sys { get; init; } = "/sys";

    public string KvmDevice { get; init; } = "/dev/kvm";

    /// <summary>The addresses of the machine's interfaces, loopback included.</summary>
    public Func<IEnumerable<IPAddress>> Addresses { get; init; } = OfInterfaces;

    private static IEnumerable<IPAddress> OfInterfaces() => NetworkInterface.GetAllNetworkInterfaces()
        .SelectMany(link => link.GetIPProperties().UnicastAddresses)
        .Select(address => address.Address);
}

/// <summary>Looks at the machine. Reads small files of the kernel only, so it never waits.</summary>
public sealed class HostInventory
{
    // Free memory changes with every breath; in steps this coarse a quiet host reports nothing.
    private const long MemoryStep = 64;

    private readonly Guid _host;
    private readonly InventoryRoots _roots;
    private readonly AcceleratorChoice _accelerator;

    public HostInventory(Guid host, InventoryRoots roots, AcceleratorChoice accelerator)
    {
        _host = host;
        _roots = roots;
        _accelerator = accelerator;
    }

    /// <summary>The accelerator that instances of this host get.</summary>
    /// <exception cref="InvalidDataException">The kernel's files are not of the known form.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    public Accelerator Accelerator => Accelerators.Choose(_accelerator, ReadCpu().Features, _roots.KvmDevice);

    /// <summary>The folder where the kernel tells of processes and memory.</summary>
    internal string Proc => _roots.Proc;

    /// <summary>The host as it is now.</summary>
    /// <param name="foreign">Domains that the platform did not make.</param>
    /// <exception cref="InvalidDataException">The kernel's files are not of the known form.</exception>
    /// <exception cref="IOException">They cannot be read.</exception>
    public HostCurrent Read(HypervisorConnection hypervisor, IReadOnlyList<ObservedDomain> foreign)
    {
        var cpu = ReadCpu();
        var (total, available) = ReadMemory();
        return new HostCurrent
        {
            Uuid = _host,
            AgentVersion = AgentVersion,
            BootId = ReadProc("sys/kernel/random/boot_id"),
            BootTime = ReadBootTime(),
            Kernel = ReadProc("sys/kernel/osrelease"),
            CpuModel = cpu.Model,
            CpuThreads = cpu.Threads,
            CpuFeatures = cpu.Features,
            MemoryTotal = total,
            MemoryFree = available / MemoryStep * MemoryStep,
            Hypervisor = hypervisor.Version,
            Accelerator = Accelerators.NameOf(Accelerators.Choose(_accelerator, cpu.Features, _roots.KvmDevice)),
            Addresses = ReadAddresses(),
            ForeignDomains = foreign.Count == 0 ? null : Describe(foreign),
            Why = hypervisor.Why,
        };
    }

    private static string AgentVersion { get; } =
        typeof(HostInventory).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion
        ?? typeof(HostInventory).Assembly.GetName().Version!.ToString();

    private static JsonText Describe(IReadOnlyList<ObservedDomain> domains) => JsonText.From(JsonSerializer.SerializeToElement(
        domains.OrderBy(domain => domain.Uuid).Select(domain => new
        {
            uuid = domain.Uuid,
            name = domain.Name,
            status = JsonNamingPolicy.KebabCaseLower.ConvertName(domain.State.ToString()),
        })));

    private (string Model, int Threads, TextList Features) ReadCpu()
    {
        var model = "unknown";
        var threads = 0;
        string[] features = [];
        foreach (var line in File.ReadLines(Path.Combine(_roots.Proc, "cpuinfo")))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0)
                continue;
            var value = line[(colon + 1)..].Trim();
            switch (line[..colon].Trim())
            {
                case "processor":
                    threads++;
                    break;
                case "model name":
                    model = value;
                    break;
                case "flags" when features.Length == 0:
                    features = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    break;
            }
        }
        // Sorted, since kernels differ in the order and hosts are compared.
        Array.Sort(features, StringComparer.Ordinal);
        return (model, threads, TextList.Of(features));
    }

    private (long Total, long Available) ReadMemory()
    {
        long? total = null, available = null;
        foreach (var line in File.ReadLines(Path.Combine(_roots.Proc, "meminfo")))
        {
            var words = line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["MemTotal", var all, "kB"])
                total = long.Parse(all, CultureInfo.InvariantCulture) / 1024;
            else if (words is ["MemAvailable", var free, "kB"])
                available = long.Parse(free, CultureInfo.InvariantCulture) / 1024;
        }
        return total is { } t && available is { } a
            ? (t, a)
            : throw new InvalidDataException($"{_roots.Proc}/meminfo lacks MemTotal or MemAvailable in kB.");
    }

    private DateTimeOffset ReadBootTime()
    {
        foreach (var line in File.ReadLines(Path.Combine(_roots.Proc, "stat")))
        {
            if (line.StartsWith("btime ", StringComparison.Ordinal))
                return DateTimeOffset.FromUnixTimeSeconds(long.Parse(line.AsSpan(6), CultureInfo.InvariantCulture));
        }
        throw new InvalidDataException($"{_roots.Proc}/stat lacks btime.");
    }

    private TextList ReadAddresses() => TextList.Of(_roots.Addresses()
        .Where(address => !IPAddress.IsLoopback(address))
        // The scope id (%2) means something on this host only.
        .Select(address => address.AddressFamily == AddressFamily.InterNetworkV6 ? new IPAddress(address.GetAddressBytes()) : address)
        .Select(address => address.ToString())
        .Distinct()
        .Order(StringComparer.Ordinal));

    private string ReadProc(string path) => File.ReadAllText(Path.Combine(_roots.Proc, path)).Trim();
}
