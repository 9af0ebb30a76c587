using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What of libvirt's C API is about disks of domains, and the one call of its library for QEMU that is used.</summary>
internal static unsafe partial class LibvirtDiskNative
{
    private const string Library = "libvirt.so.0";
    private const string QemuLibrary = "libvirt-qemu.so.0";

    // virTypedParameterType
    internal const int TypeUnsignedLong = 4;

    internal const int FieldLength = 80;
    internal const uint ResizeBytes = 1;

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainSetBlockIoTune(DomainHandle domain, string disk, VirTypedParameter* parameters, int count, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainGetBlockInfo(DomainHandle domain, string disk, out VirDomainBlockInfo info, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainBlockResize(DomainHandle domain, string disk, ulong size, uint flags);

    /// <param name="mountpoints">0 for all.</param>
    [LibraryImport(Library)]
    internal static partial int virDomainFSFreeze(DomainHandle domain, nint mountpoints, uint count, uint flags);

    /// <param name="mountpoints">0 for all.</param>
    [LibraryImport(Library)]
    internal static partial int virDomainFSThaw(DomainHandle domain, nint mountpoints, uint count, uint flags);

    /// <summary>The answer is to be freed.</summary>
    [LibraryImport(QemuLibrary, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainQemuMonitorCommand(DomainHandle domain, string command, out nint answer, uint flags);

    /// <summary><c>virTypedParameter</c> of the type unsigned long long.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirTypedParameter
    {
        internal fixed byte Field[FieldLength];
        internal int Type;
        internal ulong Value;
    }

    /// <summary><c>virDomainBlockInfo</c>, in bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirDomainBlockInfo
    {
        internal ulong Capacity;
        internal ulong Allocation;
        internal ulong Physical;
    }
}
