using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The part of libvirt's C API for storage pools and secrets (libvirt.org/html) that is used.</summary>
internal static unsafe partial class LibvirtStorageNative
{
    private const string Library = "libvirt.so.0";

    // virErrorNumber
    internal const int ErrorNoPool = 49;
    internal const int ErrorNoVolume = 50;
    internal const int ErrorNoSecret = 66;

    internal const int EventLifecycle = 0;

    [LibraryImport(Library)]
    internal static partial int virConnectStoragePoolEventRegisterAny(
        ConnectHandle connection, nint pool, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library)]
    internal static partial int virConnectStoragePoolEventDeregisterAny(ConnectHandle connection, int callbackId);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial PoolHandle virStoragePoolDefineXML(ConnectHandle connection, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial PoolHandle virStoragePoolLookupByUUIDString(ConnectHandle connection, string uuid);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolGetUUIDString(nint pool, byte* text);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolBuild(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolCreate(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolRefresh(PoolHandle pool, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolDestroy(PoolHandle pool);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolUndefine(PoolHandle pool);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolIsActive(PoolHandle pool);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolGetInfo(PoolHandle pool, out VirStoragePoolInfo info);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolListAllVolumes(PoolHandle pool, out nint* volumes, uint flags);

    [LibraryImport(Library)]
    internal static partial int virStoragePoolFree(nint pool);

    /// <summary>Owned by the volume handle, as the key is; not to be freed.</summary>
    [LibraryImport(Library)]
    internal static partial nint virStorageVolGetName(VolumeHandle volume);

    [LibraryImport(Library)]
    internal static partial nint virStorageVolGetKey(VolumeHandle volume);

    [LibraryImport(Library)]
    internal static partial nint virStorageVolGetPath(VolumeHandle volume);

    [LibraryImport(Library)]
    internal static partial int virStorageVolGetInfo(VolumeHandle volume, out VirStorageVolInfo info);

    [LibraryImport(Library)]
    internal static partial int virStorageVolFree(nint volume);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SecretHandle virSecretDefineXML(ConnectHandle connection, string xml, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SecretHandle virSecretLookupByUUIDString(ConnectHandle connection, string uuid);

    [LibraryImport(Library)]
    internal static partial int virSecretSetValue(SecretHandle secret, byte* value, nuint size, uint flags);

    [LibraryImport(Library)]
    internal static partial int virSecretUndefine(SecretHandle secret);

    [LibraryImport(Library)]
    internal static partial int virSecretFree(nint secret);

    /// <summary><c>virStoragePoolInfo</c>: bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirStoragePoolInfo
    {
        internal int State;
        internal ulong Capacity;
        internal ulong Allocation;
        internal ulong Available;
    }

    /// <summary><c>virStorageVolInfo</c>: bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirStorageVolInfo
    {
        internal int Type;
        internal ulong Capacity;
        internal ulong Allocation;
    }
}

/// <summary>A reference to a libvirt pool object, given back when the last call that uses it has ended.</summary>
internal sealed class PoolHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibvirtStorageNative.virStoragePoolFree(handle) == 0;
}

/// <summary>A reference to a libvirt volume object, given back when the last call that uses it has ended.</summary>
internal sealed class VolumeHandle() : SafeHandle(0, ownsHandle: true)
{
    public VolumeHandle(nint volume)
        : this() => SetHandle(volume);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibvirtStorageNative.virStorageVolFree(handle) == 0;
}

/// <summary>A reference to a libvirt secret object, given back when the last call that uses it has ended.</summary>
internal sealed class SecretHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibvirtStorageNative.virSecretFree(handle) == 0;
}
