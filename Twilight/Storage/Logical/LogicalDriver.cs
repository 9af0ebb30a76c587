using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>Pools of logical volumes.</summary>
public sealed partial class LogicalDriver(IToolRunner tools, TimeProvider time) : IStoragePoolDriver
{
    public StoragePoolType Type => StoragePoolType.Logical;

    public IStoragePool Open(PoolDefinition definition)
    {
        var name = JsonNode.Parse(definition.Pool.Config.Text)?["name"]?.GetValue<string>();
        return name is not null && GroupName().IsMatch(name)
            ? new LogicalPool(new VolumeGroup(name, tools), new PoolTools(tools), time)
            : throw new StorageException(StorageFailure.Failed, $"{name} cannot be the name of a volume group.");
    }

    // lvm(8), "Valid names".
    [GeneratedRegex(@"^(?!\.{1,2}\z)[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\z")]
    private static partial Regex GroupName();
}
