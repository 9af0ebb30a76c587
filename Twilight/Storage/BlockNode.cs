using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Storage;

/// <summary>How QEMU and its tools open something (qemu.org, QAPI: BlockdevOptions).</summary>
/// <param name="Options">Such as <c>{"driver":"qcow2","file":{"driver":"file","filename":"…"}}</c>. Nothing secret.</param>
public sealed record BlockNode(JsonObject Options)
{
    /// <summary>The file or device, or what people call it.</summary>
    public required string Path { get; init; }

    /// <summary>Secrets that the options name by id. Their files are readable by root alone and go with the node's lease.</summary>
    public IReadOnlyList<BlockSecret> Secrets { get; init; } = [];

    /// <summary>As a file name for QEMU's tools.</summary>
    public string ToFileName() => $"json:{Options.ToJsonString()}";
}

/// <summary>A secret object of QEMU.</summary>
/// <param name="Base64">The file holds it in base64, as keys of Ceph are.</param>
public sealed record BlockSecret(string Id, string File, bool Base64 = false)
{
    /// <summary>The argument behind <c>--object</c>.</summary>
    public string ToArgument() => $"secret,id={Id},file={File}{(Base64 ? ",format=base64" : "")}";
}

/// <summary>An object that stays open, mapped or connected until the lease is disposed.</summary>
public interface IBlockLease : IAsyncDisposable
{
    BlockNode Node { get; }
}
