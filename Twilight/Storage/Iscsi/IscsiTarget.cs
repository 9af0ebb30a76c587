using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Storage.Iscsi;

/// <summary>Who logs in, by CHAP.</summary>
internal sealed record IscsiLogin(string User, string Password)
{
    /// <summary>Without the password.</summary>
    public override string ToString() => User;
}

/// <summary>A target, and how to come to it.</summary>
internal sealed record IscsiTarget
{
    internal const int UsualPort = 3260;

    private const string SecretId = "chap";

    // Seconds until QEMU gives up on a command and logs in anew.
    private const int CommandTimeout = 10;

    public required StorageServer Portal { get; init; }

    public required string Name { get; init; }

    public required string Initiator { get; init; }

    public IscsiLogin? Login { get; init; }

    /// <param name="start">The first MiB that is offered.</param>
    /// <param name="size">MiB that are offered; null for all that the unit has.</param>
    /// <param name="password">The file with the password; null where nobody logs in.</param>
    internal BlockNode UnitNode(int unit, long start, long? size, bool writable, string? password)
    {
        var file = new JsonObject
        {
            ["driver"] = "iscsi",
            ["transport"] = "tcp",
            ["portal"] = Portal.At(UsualPort),
            ["target"] = Name,
            ["lun"] = unit,
            ["initiator-name"] = Initiator,
            ["timeout"] = CommandTimeout,
        };
        if (Login is not null)
        {
            file["user"] = Login.User;
            file["password-secret"] = SecretId;
        }
        var options = new JsonObject { ["driver"] = "raw", ["read-only"] = !writable, ["file"] = file };
        if (start > 0)
            options["offset"] = start << 20;
        if (size is { } offered)
            options["size"] = offered << 20;
        return new BlockNode(options)
        {
            Path = $"iscsi://{Portal.At(UsualPort)}/{Name}/{unit}",
            Secrets = password is null ? [] : [new BlockSecret(SecretId, password)],
        };
    }
}
