using System.Collections.Immutable;
using System.Globalization;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Instances;

/// <summary>
/// Which columns of an instance's row a definition was made from, as text such as <c>boot=disk firmware=bios …</c>. It stands in the
/// metadata of the domain, so that one can say field by field what only the next start brings. Pure.
/// </summary>
public static class ShapeFields
{
    private const string MemMax = "mem_max";
    private const string VcpuMax = "vcpu_max";

    /// <param name="processor">Digest of the processor that the guest sees.</param>
    internal static string Of(InstanceDesired instance, string processor) => string.Join(' ', new[]
    {
        ("boot", instance.Boot.ToString()),
        ("cpu_profile", processor),
        ("firmware", instance.Firmware.ToString()),
        (MemMax, (instance.MemMax ?? instance.Mem).ToString(CultureInfo.InvariantCulture)),
        ("name", instance.Name),
        (VcpuMax, (instance.VcpuMax ?? instance.Vcpu).ToString(CultureInfo.InvariantCulture)),
        ("watchdog", instance.Watchdog.ToString()),
    }.Select(field => $"{field.Item1}={field.Item2}"));

    /// <summary>The columns that the domain does not show as they are wanted, and will from its next start on; in the order of their names.</summary>
    /// <param name="seen">What the domain was made from; empty where that is not known, and then nothing can be named.</param>
    /// <param name="wanted">What it would be made from now.</param>
    public static IReadOnlyList<string> Pending(string seen, string wanted, InstanceDesired instance)
    {
        var before = Parse(seen);
        if (before.IsEmpty)
            return [];
        var (vcpuMax, memMax) = MaximaOf(seen);
        return
        [
            .. Parse(wanted)
                .Where(field => before.GetValueOrDefault(field.Key) != field.Value)
                .Select(field => NameOf(field.Key, instance))
                .Concat(instance.Vcpu > vcpuMax ? ["vcpu"] : [])
                .Concat(instance.Mem > memMax ? ["mem"] : [])
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>As many processors and as much memory (MiB) as a domain that was made from this can have; 0 where that is not known.</summary>
    public static (int Vcpu, long Mem) MaximaOf(string seen)
    {
        var fields = Parse(seen);
        return (
            int.TryParse(fields.GetValueOrDefault(VcpuMax), CultureInfo.InvariantCulture, out var vcpu) ? vcpu : 0,
            long.TryParse(fields.GetValueOrDefault(MemMax), CultureInfo.InvariantCulture, out var mem) ? mem : 0);
    }

    // Without a maximum of its own the most that the instance can have is what it has.
    private static string NameOf(string field, InstanceDesired instance) => field switch
    {
        MemMax when instance.MemMax is null => "mem",
        VcpuMax when instance.VcpuMax is null => "vcpu",
        _ => field,
    };

    private static ImmutableDictionary<string, string> Parse(string fields) => fields
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Select(field => field.Split('=', 2))
        .Where(field => field.Length == 2)
        .ToImmutableDictionary(field => field[0], field => field[1]);
}
