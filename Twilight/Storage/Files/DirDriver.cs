using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>Pools that are directories of the host: <c>{"path": "/srv/volumes"}</c>.</summary>
public sealed class DirDriver(IToolRunner tools) : IStoragePoolDriver
{
    public StoragePoolType Type => StoragePoolType.Dir;

    public IStoragePool Open(PoolDefinition definition) => new FilePool(new PlainDirectory(PathOf(definition), tools), tools);

    /// <exception cref="StorageException">It is no absolute path.</exception>
    internal static string PathOf(PoolDefinition definition)
    {
        using var config = JsonDocument.Parse(definition.Pool.Config.Text);
        var path = config.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("path", out var found)
            && found.ValueKind == JsonValueKind.String
            ? found.GetString()!
            : "";
        return Path.IsPathFullyQualified(path) && !path.Any(char.IsControl)
            ? Path.TrimEndingDirectorySeparator(path)
            : throw new StorageException(StorageFailure.Failed, $"The {definition} names no absolute path.");
    }
}
