namespace PonyCloud.Twilight.Storage.Pools;

/// <summary>Who asks, for pools that want to know.</summary>
/// <param name="Secret">Uuid of the libvirt secret that proves it.</param>
public sealed record PoolLogin(string User, Guid Secret);

/// <summary>What a libvirt pool is made of.</summary>
public abstract record PoolSource
{
    private PoolSource()
    {
    }

    public sealed record Directory(string Path) : PoolSource;

    public sealed record VolumeGroup(string Name) : PoolSource;

    /// <param name="Format">As libvirt calls it: <c>nfs</c>, <c>cifs</c> or <c>auto</c>.</param>
    /// <param name="Path">Where it is mounted.</param>
    /// <param name="Options">For mount, such as <c>nosuid</c>.</param>
    public sealed record Export(
        StorageServer Server, string Exported, string Path, string Format, IReadOnlyList<string> Options) : PoolSource;

    /// <summary>A target that the kernel logs in to.</summary>
    public sealed record KernelTarget(StorageServer Portal, string Target, string? Initiator, PoolLogin? Login) : PoolSource;

    /// <summary>A target that libiscsi talks to.</summary>
    public sealed record DirectTarget(StorageServer Portal, string Target, string Initiator, PoolLogin? Login) : PoolSource;

    public sealed record CephPool(IReadOnlyList<StorageServer> Monitors, string Name, PoolLogin? Login) : PoolSource;
}
