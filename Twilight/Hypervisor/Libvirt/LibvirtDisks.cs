using System.Text;
using static PonyCloud.Twilight.Hypervisor.Libvirt.LibvirtDiskNative;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Changes of disks of domains that are on. Its calls block.</summary>
internal static unsafe class LibvirtDisks
{
    internal static void Limit(DomainHandle domain, string target, DiskLimits limits)
    {
        var parameters = stackalloc VirTypedParameter[2];
        parameters[0] = Parameter("total_iops_sec", limits.IopsMax);
        parameters[1] = Parameter("total_bytes_sec", limits.BytesMax);
        LibvirtError.ThrowIfNegative(
            virDomainSetBlockIoTune(domain, target, parameters, 2, LibvirtNative.AffectLive), $"limit the disk {target}");
    }

    internal static void Grow(DomainHandle domain, string target, long bytes)
    {
        LibvirtError.ThrowIfNegative(virDomainGetBlockInfo(domain, target, out var info, 0), $"see how large the disk {target} is");
        // QEMU would cut off the end of a file.
        if (info.Capacity < (ulong)bytes)
            LibvirtError.ThrowIfNegative(virDomainBlockResize(domain, target, (ulong)bytes, ResizeBytes), $"grow the disk {target}");
    }

    private static VirTypedParameter Parameter(string field, long value)
    {
        var parameter = new VirTypedParameter { Type = TypeUnsignedLong, Value = (ulong)value };
        Encoding.ASCII.GetBytes(field, new Span<byte>(parameter.Field, FieldLength));
        return parameter;
    }
}
