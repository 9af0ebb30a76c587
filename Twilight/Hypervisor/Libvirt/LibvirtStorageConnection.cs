using System.Runtime.InteropServices;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// Storage pools and secrets over a connection that is open for one call. Blocks: only <see cref="NativeCalls"/> makes them. Nothing
/// lists all pools, which waits for each that is busy, and so for one that hangs.
/// </summary>
internal sealed unsafe class LibvirtStorageConnection : IDisposable
{
    private readonly LibvirtSession _session;

    private LibvirtStorageConnection(LibvirtSession session) => _session = session;

    private ConnectHandle Handle => _session.Handle;

    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal static LibvirtStorageConnection Open(LibvirtOptions options) => new(LibvirtSession.Open(options, new NobodyListens()));

    internal void Define(Guid pool, string xml)
    {
        using var defined = LibvirtError.ThrowIfInvalid(
            LibvirtStorageNative.virStoragePoolDefineXML(Handle, xml, 0), $"define pool {pool}");
    }

    internal void Build(Guid pool) => With(pool, "build", handle => LibvirtStorageNative.virStoragePoolBuild(handle, 0));

    internal void Start(Guid pool) => With(pool, "start", handle => LibvirtStorageNative.virStoragePoolCreate(handle, 0));

    internal void Refresh(Guid pool) => With(pool, "refresh", handle => LibvirtStorageNative.virStoragePoolRefresh(handle, 0));

    internal void Stop(Guid pool) => With(pool, "stop", LibvirtStorageNative.virStoragePoolDestroy);

    internal void Undefine(Guid pool) => With(pool, "undefine", LibvirtStorageNative.virStoragePoolUndefine);

    internal HostPool? Find(Guid pool)
    {
        using var handle = LibvirtStorageNative.virStoragePoolLookupByUUIDString(Handle, pool.ToString());
        if (handle.IsInvalid)
        {
            var error = LibvirtError.Last($"look pool {pool} up");
            return error.Code == LibvirtStorageNative.ErrorNoPool ? null : throw error;
        }
        var isActive = LibvirtStorageNative.virStoragePoolIsActive(handle);
        LibvirtError.ThrowIfNegative(isActive, $"look at pool {pool}");
        LibvirtError.ThrowIfNegative(LibvirtStorageNative.virStoragePoolGetInfo(handle, out var info), $"look at pool {pool}");
        return new HostPool(isActive == 1, (long)info.Capacity, (long)info.Allocation, (long)info.Available);
    }

    internal List<HostPoolVolume> ListVolumes(Guid pool)
    {
        using var handle = Lookup(pool, "list the volumes of");
        var count = LibvirtStorageNative.virStoragePoolListAllVolumes(handle, out var pointers, 0);
        LibvirtError.ThrowIfNegative(count, $"list the volumes of pool {pool}");
        var volumes = new VolumeHandle[count];
        for (var i = 0; i < count; i++)
            volumes[i] = new VolumeHandle(pointers[i]);
        LibvirtNative.Free((nint)pointers);
        try
        {
            return [.. volumes.Select(Read).OfType<HostPoolVolume>()];
        }
        finally
        {
            foreach (var volume in volumes)
                volume.Dispose();
        }
    }

    internal void SetSecret(Guid secret, string xml, ReadOnlySpan<byte> value)
    {
        using var handle = LibvirtError.ThrowIfInvalid(LibvirtStorageNative.virSecretDefineXML(Handle, xml, 0), $"define secret {secret}");
        fixed (byte* bytes = value)
        {
            LibvirtError.ThrowIfNegative(
                LibvirtStorageNative.virSecretSetValue(handle, bytes, (nuint)value.Length, 0), $"set the value of secret {secret}");
        }
    }

    internal void RemoveSecret(Guid secret)
    {
        using var handle = LibvirtStorageNative.virSecretLookupByUUIDString(Handle, secret.ToString());
        if (!handle.IsInvalid && LibvirtStorageNative.virSecretUndefine(handle) >= 0)
            return;
        var error = LibvirtError.Last($"undefine secret {secret}");
        if (error.Code != LibvirtStorageNative.ErrorNoSecret)
            throw error;
    }

    public void Dispose() => _session.Dispose();

    /// <summary>Null when the volume went away between the list and now.</summary>
    private static HostPoolVolume? Read(VolumeHandle volume)
    {
        if (LibvirtStorageNative.virStorageVolGetInfo(volume, out var info) < 0)
            return LibvirtError.LastCode() == LibvirtStorageNative.ErrorNoVolume ? null : throw LibvirtError.Last("look at a volume");
        return new HostPoolVolume(
            Marshal.PtrToStringUTF8(LibvirtStorageNative.virStorageVolGetName(volume)) ?? "",
            Marshal.PtrToStringUTF8(LibvirtStorageNative.virStorageVolGetKey(volume)) ?? "",
            LibvirtSession.TakeText(LibvirtStorageNative.virStorageVolGetPath(volume)) ?? "",
            (long)info.Capacity,
            (long)info.Allocation);
    }

    private void With(Guid pool, string verb, Func<PoolHandle, int> call)
    {
        using var handle = Lookup(pool, verb);
        LibvirtError.ThrowIfNegative(call(handle), $"{verb} pool {pool}");
    }

    private PoolHandle Lookup(Guid pool, string verb) => LibvirtError.ThrowIfInvalid(
        LibvirtStorageNative.virStoragePoolLookupByUUIDString(Handle, pool.ToString()), $"{verb} pool {pool}");

    /// <summary>Its end shows in the call.</summary>
    private sealed class NobodyListens : ILibvirtListener
    {
        public void OnClosed(int reason)
        {
        }

        public void OnHappened(Guid subject, string what)
        {
        }
    }
}
