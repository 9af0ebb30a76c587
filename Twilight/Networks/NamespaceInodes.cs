using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks;

/// <summary>Which namespaces the switches have now: another one of the same name is another one.</summary>
internal static class NamespaceInodes
{
    private const string Names = "/run/netns/";

    /// <summary>By switch, as far as they are there.</summary>
    /// <exception cref="ToolException">It could not be looked.</exception>
    internal static async Task<IReadOnlyDictionary<Guid, string>> ReadAsync(
        IToolRunner tools, IEnumerable<Guid> switches, CancellationToken cancellationToken)
    {
        var paths = switches.Distinct().ToDictionary(@switch => Names + LinkNames.Namespace(@switch));
        if (paths.Count == 0)
            return ImmutableDictionary<Guid, string>.Empty;
        // It goes on behind those that are missing, and then ends with 1.
        var call = new ToolCall("stat", ["--dereference", "--format=%n %i", "--", .. paths.Keys])
        {
            Accepted = [0, 1],
        };
        var result = await tools.RunAsync(call, cancellationToken);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' '))
            .ToDictionary(parts => paths[parts[0]], parts => parts[1]);
    }
}
