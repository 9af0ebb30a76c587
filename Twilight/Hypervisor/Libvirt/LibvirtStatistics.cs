using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Statistics or states of all domains, in one call (<c>virConnectGetAllDomainStats</c>).</summary>
internal static unsafe partial class LibvirtStatistics
{
    private const string Library = "libvirt.so.0";

    private const uint State = 1 << 0;
    private const uint CpuTotal = 1 << 1;
    private const uint Balloon = 1 << 2;
    private const uint Interface = 1 << 4;
    private const uint Block = 1 << 5;
    private const uint Active = 1;

    // A domain that is busy tells less, instead of keeping all the others waiting.
    private const uint NoWait = 1 << 29;

    // virTypedParameterType
    private const int Integer = 1;
    private const int UnsignedLong = 4;

    internal static IReadOnlyList<DomainStatistics> Read(ConnectHandle connection)
    {
        var count = virConnectGetAllDomainStats(connection, CpuTotal | Balloon | Interface | Block, out var records, Active | NoWait);
        LibvirtError.ThrowIfNegative(count, "read the domains' statistics");
        try
        {
            var statistics = new List<DomainStatistics>(count);
            for (var i = 0; i < count; i++)
                statistics.Add(Of(records[i]));
            return statistics;
        }
        finally
        {
            virDomainStatsRecordListFree(records);
        }
    }

    /// <summary>All domains, running or not, with their states. libvirt knows these itself: no emulator is asked, so none that hangs is waited for.</summary>
    internal static IReadOnlyList<DomainStateRecord> ReadStates(ConnectHandle connection)
    {
        var count = virConnectGetAllDomainStats(connection, State, out var records, 0);
        LibvirtError.ThrowIfNegative(count, "list domains");
        var states = new List<DomainStateRecord>(count);
        try
        {
            for (var i = 0; i < count; i++)
                states.Add(StateOf(records[i]));
            return states;
        }
        catch
        {
            foreach (var state in states)
                state.Domain.Dispose();
            throw;
        }
        finally
        {
            virDomainStatsRecordListFree(records);
        }
    }

    private static DomainStateRecord StateOf(Record* record)
    {
        int? state = null, reason = null;
        for (var i = 0; i < record->Count; i++)
        {
            var parameter = &record->Parameters[i];
            switch (Marshal.PtrToStringUTF8((nint)parameter->Field))
            {
                case "state.state" when parameter->Type == Integer:
                    state = (int)parameter->Value;
                    break;
                case "state.reason" when parameter->Type == Integer:
                    reason = (int)parameter->Value;
                    break;
            }
        }
        var uuid = UuidOf(record);
        if (state is null || reason is null)
            throw new HypervisorException(HypervisorFailure.Failed, 0, $"Cannot list domains: libvirt does not tell the state of {uuid}.");
        LibvirtError.ThrowIfNegative(virDomainRef(record->Domain), "keep a domain");
        return new DomainStateRecord(new DomainHandle(record->Domain), uuid, state.Value, reason.Value);
    }

    private static Guid UuidOf(Record* record)
    {
        var text = stackalloc byte[LibvirtNative.UuidTextSize];
        LibvirtError.ThrowIfNegative(LibvirtNative.virDomainGetUUIDString(record->Domain, text), "read a domain's uuid");
        return Guid.Parse(Marshal.PtrToStringUTF8((nint)text)!);
    }

    private static DomainStatistics Of(Record* record)
    {
        var values = new Dictionary<string, ulong>(StringComparer.Ordinal);
        for (var i = 0; i < record->Count; i++)
        {
            var parameter = &record->Parameters[i];
            if (parameter->Type == UnsignedLong && Marshal.PtrToStringUTF8((nint)parameter->Field) is { } name)
                values[name] = parameter->Value;
        }
        return new DomainStatistics
        {
            Uuid = UuidOf(record),
            Name = Marshal.PtrToStringUTF8(virDomainGetName(record->Domain)) ?? "",
            ProcessorTime = TimeSpan.FromTicks((long)(values.GetValueOrDefault("cpu.time") / 100)),
            Memory = values.GetValueOrDefault("balloon.current") * 1024,
            ResidentMemory = values.GetValueOrDefault("balloon.rss") * 1024,
            DiskRead = new Traffic(Sum("block.", ".rd.bytes"), Sum("block.", ".rd.reqs")),
            DiskWritten = new Traffic(Sum("block.", ".wr.bytes"), Sum("block.", ".wr.reqs")),
            NetworkReceived = new Traffic(Sum("net.", ".rx.bytes"), Sum("net.", ".rx.pkts")),
            NetworkSent = new Traffic(Sum("net.", ".tx.bytes"), Sum("net.", ".tx.pkts")),
        };

        ulong Sum(string prefix, string suffix) => values
            .Where(value => value.Key.StartsWith(prefix, StringComparison.Ordinal) && value.Key.EndsWith(suffix, StringComparison.Ordinal))
            .Aggregate(0UL, (sum, value) => sum + value.Value);
    }

    [LibraryImport(Library)]
    private static partial int virConnectGetAllDomainStats(ConnectHandle connection, uint statistics, out Record** records, uint flags);

    [LibraryImport(Library)]
    private static partial void virDomainStatsRecordListFree(Record** records);

    /// <summary>One more reference, for a handle.</summary>
    [LibraryImport(Library)]
    private static partial int virDomainRef(nint domain);

    /// <summary>Owned by the domain; not to be freed.</summary>
    [LibraryImport(Library)]
    private static partial nint virDomainGetName(nint domain);

    /// <summary><c>virDomainStatsRecord</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Record
    {
        internal nint Domain;
        internal Parameter* Parameters;
        internal int Count;
    }

    /// <summary><c>virTypedParameter</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameter
    {
        internal fixed byte Field[80];
        internal int Type;
        internal ulong Value;
    }
}
