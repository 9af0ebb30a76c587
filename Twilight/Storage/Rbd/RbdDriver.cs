using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>
/// Pools of Ceph: <c>{"monitors": ["10.0.0.1", "10.0.0.2:6789"], "pool": "volumes", "user": "ponycloud"}</c>, and for cephx the secret
/// <c>{"key": "…"}</c>.
/// </summary>
public sealed class RbdDriver(IToolRunner tools, SecretFiles secrets, TimeProvider time) : IStoragePoolDriver
{
    public StoragePoolType Type => StoragePoolType.Rbd;

    public IStoragePool Open(PoolDefinition definition)
    {
        var config = PoolConfig.Of(definition);
        var ceph = new CephPool
        {
            Monitors = [.. config.Texts("monitors").Select(monitor => config.Server("monitor", monitor))],
            Name = config.Text("pool"),
            User = config.TextOrNull("user") ?? "admin",
            Key = PoolConfig.SecretOf(definition).TextOrNull("key"),
        };
        // Image names are appended to it, and rbd would read a namespace or a snapshot out of these.
        if (ceph.Name.AsSpan().ContainsAny('/', '@'))
            throw new StorageException(StorageFailure.Failed, $"The {definition} has a pool that is no name.");
        return new RbdPool(ceph, new RbdTool(ceph, tools, secrets), secrets, time);
    }
}
