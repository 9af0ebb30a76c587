using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Mounts;

/// <summary>Pools on exported file systems: <c>{"host": "…", "path": "/export", "format": "nfs", "options": "vers=4.2"}</c>.</summary>
/// <param name="home">Directory in which pools are mounted.</param>
public sealed class NetfsDriver(string home, IToolRunner tools) : IStoragePoolDriver
{
    private const string NfsOptions = "hard,timeo=50,retrans=1,retry=0,noatime";

    public StoragePoolType Type => StoragePoolType.Netfs;

    public IStoragePool Open(PoolDefinition definition)
    {
        var config = MountConfig.Of(definition);
        var format = config.Find("format") ?? "nfs";
        var mount = new Mount
        {
            Format = format,
            Source = $"{config.Host}:{config.AbsolutePath("path")}",
            Options = [.. new[] { format is "nfs" or "nfs4" ? NfsOptions : null, config.Find("options") }.OfType<string>()],
            Directory = Path.Combine(home, definition.Pool.Uuid.ToString()),
        };
        return new FilePool(new MountedDirectory(mount, tools), tools);
    }
}
