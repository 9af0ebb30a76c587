using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Storage.Pools;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Iscsi;

/// <summary>
/// Pools that are iSCSI targets: <c>{"portal": "10.0.0.1:3260", "target": "iqn…", "initiator": "iqn…"}</c>, and for CHAP the secret
/// <c>{"user": "…", "password": "…"}</c>.
/// </summary>
/// <param name="host">Whose name the initiator has where the config gives it none.</param>
public sealed class IscsiDriver(Guid host, IStorageHost pools, IToolRunner tools, SecretFiles secrets) : IStoragePoolDriver
{
    public StoragePoolType Type => StoragePoolType.Iscsi;

    public IStoragePool Open(PoolDefinition definition)
    {
        var config = PoolConfig.Of(definition);
        var secret = PoolConfig.SecretOf(definition);
        var user = secret.TextOrNull("user");
        var target = new IscsiTarget
        {
            Portal = config.Server("portal", config.Text("portal")),
            Name = config.Text("target"),
            // As QEMU calls itself when nobody tells it.
            Initiator = config.TextOrNull("initiator") ?? $"iqn.2008-11.org.linux-kvm:{host}",
            Login = user is null ? null : new IscsiLogin(user, secret.Text("password")),
        };
        return new IscsiPool(definition.Pool.Uuid, target, pools, new IscsiUnits(target, new PoolTools(tools), secrets));
    }
}
