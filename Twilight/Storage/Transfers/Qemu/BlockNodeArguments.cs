using System.Text.Json.Nodes;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>Block nodes as QEMU's tools take them in their command lines.</summary>
internal static class BlockNodeArguments
{
    /// <summary>The node from a byte on.</summary>
    public static string From(this BlockNode node, long offset)
    {
        var part = new JsonObject
        {
            ["driver"] = "raw",
            ["offset"] = offset,
            ["file"] = node.Options.DeepClone(),
        };
        return $"json:{part.ToJsonString()}";
    }

    /// <summary>The secrets that it needs.</summary>
    public static IEnumerable<string> Objects(this BlockNode node) =>
        node.Secrets.SelectMany(secret => new[] { "--object", secret.ToArgument() });
}
