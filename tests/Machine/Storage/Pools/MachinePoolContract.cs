using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>The contract of pools, for those that need this kernel.</summary>
public abstract class MachinePoolContract : StoragePoolContract
{
    protected static IToolRunner Tools { get; } = new ToolRunner(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);

    protected static PoolDefinition Definition(StoragePoolType type, string config, Guid? uuid = null) => new()
    {
        Pool = new StoragePoolDesired
        {
            Uuid = uuid ?? Guid.NewGuid(),
            Name = "p",
            Type = type,
            Config = JsonText.Parse(config),
        },
    };

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(Tools).WriteAsync(node, mib, value, cancellationToken);

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(Tools).HoldsAsync(node, mib, value, cancellationToken);
}
