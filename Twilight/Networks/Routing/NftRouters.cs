using System.Collections.Immutable;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Routing;

/// <summary>Rules by nftables, and floating addresses by proxy neighbours of the public link. See the README of this room.</summary>
public sealed partial class NftRouters(IToolRunner tools, IAddressAnnouncer announcer, TimeProvider time, ILogger<NftRouters> logger) : IRouters
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AnnouncingPace = TimeSpan.FromSeconds(1);

    // How often it is looked whether the tables are still there.
    private static readonly TimeSpan CheckPace = TimeSpan.FromSeconds(30);

    private static readonly Backoff Patience = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    private readonly Dictionary<string, Ruled> _applied = [];
    private readonly Dictionary<string, Refused> _refused = [];
    private readonly ProxyNeighbours _proxies = new(tools, announcer);

    public Task<string?> PrepareAsync(RoutingOrders wanted, CancellationToken cancellationToken) =>
        RuleAsync(NetworkState.Host, "", RoutingRules.HostTable, wanted.HostRules, cancellationToken);

    public async Task<RoutingReport> ApplyAsync(RoutingOrders wanted, CancellationToken cancellationToken)
    {
        var problems = ImmutableSortedDictionary.CreateBuilder<Guid, string>();
        var world = await PrepareAsync(wanted, cancellationToken);
        var isDone = false;
        try
        {
            var inodes = await NamespaceInodes.ReadAsync(tools, wanted.NamespaceRules.Keys, cancellationToken);
            foreach (var (@switch, rules) in wanted.NamespaceRules)
            {
                var space = LinkNames.Namespace(@switch);
                var problem = inodes.GetValueOrDefault(@switch) is { } inode
                    ? await RuleAsync(space, inode, RoutingRules.NamespaceTable, rules, cancellationToken)
                    : $"Nothing is routed: there is no namespace {space}.";
                if (problem is not null)
                    problems.Add(@switch, problem);
            }
            Forget(wanted);
            isDone = world is null && await AnswerAsync(wanted, problems.Keys.ToHashSet(), inodes, cancellationToken);
        }
        catch (Exception exception) when (exception is ToolException or SocketException)
        {
            LogNotAnswered(exception);
            world ??= exception.Message;
        }
        var isIdle = wanted.NamespaceRules.IsEmpty && wanted.HostRules is null && world is null;
        return new RoutingReport(problems.ToImmutable(), world, isIdle ? null : isDone && problems.Count == 0 ? Pace : AnnouncingPace);
    }

    /// <summary>
    /// Nobody is called here before the rules are there that say where to. Where others could not be set they stay as they are, and so
    /// does what they lead to.
    /// </summary>
    private Task<bool> AnswerAsync(
        RoutingOrders wanted, HashSet<Guid> wrong, IReadOnlyDictionary<Guid, string> inodes, CancellationToken cancellationToken)
    {
        var ready = wanted.Floating.Where(pair => !wrong.Contains(pair.Key)).SelectMany(pair => pair.Value).ToList();
        var kept = wanted.Floating.Where(pair => wrong.Contains(pair.Key) && inodes.ContainsKey(pair.Key)).SelectMany(pair => pair.Value);
        return _proxies.ApplyAsync(wanted.World?.Name, ready, kept.ToHashSet(StringComparer.Ordinal), cancellationToken);
    }

    /// <param name="identity">Of the namespace: what was put into another one of that name does not count.</param>
    /// <returns>What is wrong, in words.</returns>
    private async Task<string?> RuleAsync(string space, string identity, string table, string? rules, CancellationToken cancellationToken)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity + '\n' + rules)));
        var refused = _refused.GetValueOrDefault(space) is { } last && last.Digest == digest ? last : null;
        if (refused is not null && time.GetElapsedTime(refused.At) < Patience.DelayAfter(refused.Times))
            return refused.Why;
        try
        {
            if (await IsRuledAsync(space, digest, table, rules is not null, cancellationToken))
                return null;
            // One transaction, so there is no moment without rules; cut off, it happened or it did not.
            var call = Inside(space, "nft", "-f", "-") with
            {
                Input = rules ?? RoutingRules.Without(table),
            };
            await tools.RunAsync(call, cancellationToken);
            _applied[space] = new Ruled(digest, time.GetTimestamp());
            _refused.Remove(space);
            return null;
        }
        catch (ToolException exception)
        {
            if (refused is null)
                LogNotRuled(exception, table, space);
            _refused[space] = new Refused(digest, (refused?.Times ?? 0) + 1, time.GetTimestamp(), exception.Message);
            return exception.Message;
        }
    }

    private async Task<bool> IsRuledAsync(string space, string digest, string table, bool isWanted, CancellationToken cancellationToken)
    {
        if (_applied.GetValueOrDefault(space) is not { } applied || applied.Digest != digest)
            return false;
        if (time.GetElapsedTime(applied.CheckedAt) < CheckPace)
            return true;
        if (await HasTableAsync(space, table, cancellationToken) != isWanted)
        {
            LogGone(table, space);
            return false;
        }
        _applied[space] = applied with { CheckedAt = time.GetTimestamp() };
        return true;
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
        foreach (var space in _applied.Keys.Concat(_refused.Keys).Where(space => !kept.Contains(space)).ToList())
        {
            _applied.Remove(space);
            _refused.Remove(space);
        }
    }

    private static ToolCall Inside(string space, string tool, params IReadOnlyList<string> arguments) => space == NetworkState.Host
        ? new ToolCall(tool, arguments)
        : new ToolCall("ip", ["netns", "exec", space, tool, .. arguments]);

    private sealed record Ruled(string Digest, long CheckedAt);

    private sealed record Refused(string Digest, int Times, long At, string Why);

    [LoggerMessage(EventId = 3711, Level = LogLevel.Warning, Message = "Table {Table} of namespace \"{Space}\" could not be set; it is tried again.")]
    private partial void LogNotRuled(Exception exception, string table, string space);

    [LoggerMessage(EventId = 3712, Level = LogLevel.Warning, Message = "Floating addresses could not be answered for.")]
    private partial void LogNotAnswered(Exception exception);

    [LoggerMessage(EventId = 3713, Level = LogLevel.Warning, Message = "Somebody changed whether namespace \"{Space}\" has table {Table}; it is set again.")]
    private partial void LogGone(string table, string space);
}
