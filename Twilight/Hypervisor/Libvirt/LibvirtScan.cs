using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>A look at all domains: one call for all their states, and calls for each domain of which the rest is not known.</summary>
internal static class LibvirtScan
{
    internal static List<ObservedDomain> Read(ConnectHandle connection, KnownDomains known)
    {
        var states = LibvirtStatistics.ReadStates(connection);
        try
        {
            return [.. states.Select(state => Read(state, known)).OfType<ObservedDomain>()];
        }
        finally
        {
            foreach (var state in states)
                state.Domain.Dispose();
        }
    }

    /// <summary>Null when the domain went away since its state was read.</summary>
    private static ObservedDomain? Read(DomainStateRecord record, KnownDomains known)
    {
        var domain = record.Domain;
        var id = LibvirtNative.virDomainGetID(domain);
        if (known.Sizes.Get(record.Uuid, id, () => ReadSize(domain)) is not { } size)
            return null;
        // Of domains that are not ours nobody asks.
        var seen = id == uint.MaxValue || size.Metadata is null
            ? ObservedDevices.None : known.Devices.Get(record.Uuid, id, () => ReadDevices(domain));
        return seen is null ? null : new ObservedDomain
        {
            Uuid = record.Uuid,
            Name = Marshal.PtrToStringUTF8(LibvirtNative.virDomainGetName(domain)) ?? "",
            State = LibvirtStates.StateOf(record.State),
            Reason = LibvirtStates.ReasonOf(record.State, record.Reason),
            Vcpu = size.Vcpu,
            Memory = size.Memory,
            Interfaces = seen.Interfaces,
            Disks = seen.Disks,
            HasAgent = seen.HasAgent,
            Metadata = size.Metadata,
        };
    }

    /// <summary>Null when the domain went away meanwhile.</summary>
    private static ObservedSize? ReadSize(DomainHandle domain)
    {
        if (LibvirtNative.virDomainGetInfo(domain, out var info) < 0)
            return LibvirtError.LastCode() == LibvirtNative.ErrorNoDomain ? null : throw LibvirtError.Last("read a domain's size");
        var metadata = LibvirtSession.TakeText(LibvirtNative.virDomainGetMetadata(
            domain, LibvirtNative.MetadataElement, DomainMetadata.Namespace, 0));
        if (metadata is null)
        {
            switch (LibvirtError.LastCode())
            {
                case LibvirtNative.ErrorNoDomain:
                    return null;
                case LibvirtNative.ErrorNoDomainMetadata:
                    LibvirtNative.virResetLastError();
                    break;
                default:
                    // Not "none": a domain of ours would look foreign.
                    throw LibvirtError.Last("read a domain's metadata");
            }
        }
        return new ObservedSize(info.VirtualCpus, (long)(info.Memory / 1024), metadata);
    }

    /// <summary>Null when the domain went away meanwhile.</summary>
    private static ObservedDevices? ReadDevices(DomainHandle domain)
    {
        if (LibvirtSession.TakeText(LibvirtNative.virDomainGetXMLDesc(domain, 0)) is { } xml)
            return ObservedDevices.Of(xml);
        return LibvirtError.LastCode() == LibvirtNative.ErrorNoDomain ? null : throw LibvirtError.Last("read a domain's devices");
    }
}
