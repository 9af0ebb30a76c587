using System.Collections.Immutable;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>Rules by nftables, and floating addresses by proxy neighbours of the public link. See the README of this room.</summary>
public sealed partial class NftRouters(IToolRunner tools, IAddressAnnouncer announcer, TimeProvider time, ILogger<NftRouters> logger) : IRouters
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);

    // How often it is looked whether the tables are still there.
    private static readonly TimeSpan CheckPace = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, (string Digest, long CheckedAt)> _applied = [];
    private readonly ProxyNeighbours _proxies = new(tools, announcer);

    public async Task<string?> PrepareAsync(RoutingOrders wanted, CancellationToken cancellationToken)
    {
        try
        {
            await RuleAsync(NetworkState.Host, "", RoutingRules.HostTable, wanted.HostRules, cancellationToken);
            return null;
        }
        catch (ToolException exception)
        {
            LogNotRuled(exception, RoutingRules.HostTable);
            return exception.Message;
        }
    }

    public async Task<RoutingReport> ApplyAsync(RoutingOrders wanted, CancellationToken cancellationToken)
    {
        var problems = ImmutableSortedDictionary.CreateBuilder<Guid, string>();
        var world = await PrepareAsync(wanted, cancellationToken);
        try
        {
            var inodes = await NamespaceInodes.ReadAsync(tools, wanted.NamespaceRules.Keys, cancellationToken);
            foreach (var (@switch, rules) in wanted.NamespaceRules)
            {
                if (await RuleNamespaceAsync(@switch, inodes.GetValueOrDefault(@switch), rules, cancellationToken) is { } problem)
                    problems.Add(@switch, problem);
            }
            Forget(wanted);
            // Nobody is called here before the rules are there that say where to.
            if (world is null && problems.Count == 0)
                await _proxies.ApplyAsync(wanted.World?.Name, wanted.Floating, cancellationToken);
        }
        catch (Exception exception) when (exception is ToolException or SocketException)
        {
            LogNotAnswered(exception);
            world ??= exception.Message;
        }
        var isIdle = wanted.NamespaceRules.IsEmpty && wanted.HostRules is null && world is null;
        return new RoutingReport(problems.ToImmutable(), world, isIdle ? null : Pace);
    }

    private async Task<string?> RuleNamespaceAsync(Guid @switch, string? inode, string rules, CancellationToken cancellationToken)
    {
        var space = LinkNames.Namespace(@switch);
        if (inode is null)
            return $"Nothing is routed: there is no namespace {space}.";
        try
        {
            await RuleAsync(space, inode, RoutingRules.NamespaceTable, rules, cancellationToken);
            return null;
        }
        catch (ToolException exception)
        {
            LogNotRuled(exception, space);
            return exception.Message;
        }
    }

    /// <param name="identity">Of the namespace: what was put into another one of that name does not count.</param>
    private async Task RuleAsync(string space, string identity, string table, string? rules, CancellationToken cancellationToken)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity + '\n' + rules)));
        if (_applied.GetValueOrDefault(space) is { Digest: { } applied, CheckedAt: var checkedAt } && applied == digest)
        {
            if (time.GetElapsedTime(checkedAt) < CheckPace || await HasTableAsync(space, table, cancellationToken) == rules is not null)
            {
                if (time.GetElapsedTime(checkedAt) >= CheckPace)
                    _applied[space] = (digest, time.GetTimestamp());
                return;
            }
            LogGone(table, space);
        }
        // One transaction, so there is no moment without rules; cut off, it happened or it did not.
        var call = Inside(space, "nft", "-f", "-") with
        {
            Input = rules ?? RoutingRules.Without(table),
        };
        await tools.RunAsync(call, cancellationToken);
        _applied[space] = (digest, time.GetTimestamp());
    }

    private async Task<bool> HasTableAsync(string space, string table, CancellationToken cancellationToken)
    {
        var result = await tools.RunAsync(Inside(space, "nft", "list", "tables", "inet"), cancellationToken);
        return result.Output.Split('\n').Contains($"table inet {table}");
    }

    /// <summary>What was ruled in namespaces that are gone.</summary>
    private void Forget(RoutingOrders wanted)
    {
        var kept = wanted.NamespaceRules.Keys.Select(LinkNames.Namespace).Append(NetworkState.Host).ToHashSet(StringComparer.Ordinal);
        foreach (var space in _applied.Keys.Where(space => !kept.Contains(space)).ToList())
            _applied.Remove(space);
    }

    private static ToolCall Inside(string space, string tool, params IReadOnlyList<string> arguments) => space == NetworkState.Host
        ? new ToolCall(tool, arguments)
        : new ToolCall("ip", ["netns", "exec", space, tool, .. arguments]);

    [LoggerMessage(EventId = 3711, Level = LogLevel.Warning, Message = "The rules of {Place} could not be set.")]
    private partial void LogNotRuled(Exception exception, string place);

    [LoggerMessage(EventId = 3712, Level = LogLevel.Warning, Message = "Floating addresses could not be answered for.")]
    private partial void LogNotAnswered(Exception exception);

    [LoggerMessage(EventId = 3713, Level = LogLevel.Warning, Message = "Somebody took away table {Table} of namespace \"{Space}\"; it is made again.")]
    private partial void LogGone(string table, string space);
}
