using System.Globalization;
using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Storage.Rbd;

/// <summary>A pool of a Ceph cluster, and how to come to it.</summary>
internal sealed record CephPool
{
    // msgr2, since Nautilus. Who has only the older one says its port.
    private const int UsualPort = 3300;
    private const string SecretId = "cephx";

    public required IReadOnlyList<StorageServer> Monitors { get; init; }

    public required string Name { get; init; }

    public required string User { get; init; }

    /// <summary>In base64; null where the cluster asks for none.</summary>
    public string? Key { get; init; }

    /// <summary>As the tools of Ceph take it.</summary>
    internal string MonitorHosts => string.Join(',', Monitors.Select(monitor => monitor.At(UsualPort)));

    /// <summary>Without the key.</summary>
    public override string ToString() => $"{Name} at {MonitorHosts}";

    /// <param name="key">The file with the key; null where there is none.</param>
    internal BlockNode ImageNode(string image, bool writable, string? key)
    {
        var rbd = new JsonObject
        {
            ["driver"] = "rbd",
            ["pool"] = Name,
            ["image"] = image,
            // None of the machine's own settings.
            ["conf"] = "/dev/null",
            ["user"] = User,
            ["auth-client-required"] = new JsonArray(Key is null ? "none" : "cephx"),
            ["server"] = new JsonArray([.. Monitors.Select(monitor => (JsonNode)new JsonObject
            {
                ["host"] = monitor.Name,
                ["port"] = (monitor.Port ?? UsualPort).ToString(CultureInfo.InvariantCulture),
            })]),
        };
        if (key is not null)
            rbd["key-secret"] = SecretId;
        return new BlockNode(new JsonObject { ["driver"] = "raw", ["read-only"] = !writable, ["file"] = rbd })
        {
            Path = $"rbd:{Name}/{image}",
            Secrets = key is null ? [] : [new BlockSecret(SecretId, key, Base64: true)],
        };
    }
}
