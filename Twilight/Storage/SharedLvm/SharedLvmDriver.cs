using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.SharedLvm;

/// <summary>Pools of extents on disks that several hosts reach.</summary>
public sealed class SharedLvmDriver(IToolRunner tools) : IStoragePoolDriver
{
    public StoragePoolType Type => StoragePoolType.SharedLvm;

    public IStoragePool Open(PoolDefinition definition) => new SharedLvmPool(definition, tools);
}
