using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Gluster;

/// <summary>Pools on volumes of Gluster: <c>{"host": "10.0.0.1", "volume": "guests", "path": "/disks"}</c>.</summary>
/// <param name="home">Directory in which pools are mounted.</param>
/// <param name="logs">Directory of what the processes write that serve the mounts.</param>
public sealed class GlusterDriver(string home, string logs, IToolRunner tools, TimeProvider time) : IStoragePoolDriver
{
    /// <summary>Where Gluster has its logs, and Debian rotates them.</summary>
    public const string UsualLogs = "/var/log/glusterfs";

    public StoragePoolType Type => StoragePoolType.Gluster;

    public IStoragePool Open(PoolDefinition definition)
    {
        var config = PoolConfig.Of(definition);
        var volume = new GlusterVolume
        {
            Server = config.Server("host", config.Text("host")),
            Name = NameOf(config.Text("volume"), definition),
            Path = config.TextOrNull("path") is { } path ? PathOf(path, definition) : null,
        };
        var uuid = definition.Pool.Uuid.ToString();
        var client = new GlusterClient(
            volume, Path.Combine(home, uuid), new GlusterLog(Path.Combine(logs, $"ponycloud-{uuid}.log")), tools, time);
        return new FilePool(new GlusterDirectory(volume, client, tools), tools);
    }

    // As Gluster itself takes names of volumes.
    private static string NameOf(string name, PoolDefinition definition) =>
        name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_')
            ? name
            : throw new StorageException(StorageFailure.Failed, $"The {definition} has a volume that is no name of letters, digits, - and _.");

    /// <returns>Null for the whole volume.</returns>
    private static string? PathOf(string path, PoolDefinition definition)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!path.StartsWith('/') || parts.Any(part => part is "." or ".."))
            throw new StorageException(StorageFailure.Failed, $"The {definition} has a path that is not absolute.");
        return parts.Length > 0 ? $"/{string.Join('/', parts)}" : null;
    }
}
