using System.Collections.Concurrent;
using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>One dnsmasq for each switch, in the namespace of the switch. See the README of this room.</summary>
public sealed class DnsmasqServices(ServingOptions options, IToolRunner tools, TimeProvider time, ILoggerFactory loggers) : ISwitchServices
{
    private const int AtOnce = 4;

    private readonly Dictionary<Guid, DnsmasqService> _services = [];

    public async Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken)
    {
        var problems = new ConcurrentDictionary<Guid, ImmutableArray<string>>();
        await EndOthersAsync(wanted.Select(service => service.Switch).ToHashSet(), problems, cancellationToken);
        IReadOnlyDictionary<Guid, string> namespaces;
        try
        {
            namespaces = await NamespaceInodes.ReadAsync(tools, wanted.Select(service => service.Switch), cancellationToken);
        }
        catch (ToolException exception)
        {
            // Nothing is known of them, so what is there goes on.
            foreach (var service in wanted)
                problems[service.Switch] = [exception.Message];
            return new ServingReport(problems.ToImmutableSortedDictionary(), options.Pace);
        }
        foreach (var service in wanted)
            _services.TryAdd(service.Switch, Make(service.Switch));
        await Parallel.ForEachAsync(
            wanted,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (service, token) =>
            {
                var wrong = await _services[service.Switch].ApplyAsync(service, namespaces.GetValueOrDefault(service.Switch), token);
                if (wrong.Length > 0)
                    problems[service.Switch] = wrong;
            });
        return new ServingReport(problems.ToImmutableSortedDictionary(), wanted.Count > 0 || !problems.IsEmpty ? options.Pace : null);
    }

    private DnsmasqService Make(Guid @switch) =>
        new(@switch, Path.Combine(options.Directory, @switch.ToString()), options, tools, time, loggers.CreateLogger<DnsmasqService>());

    /// <summary>Ends what is served and not wanted, also by an agent before this one.</summary>
    private async Task EndOthersAsync(
        HashSet<Guid> wanted, ConcurrentDictionary<Guid, ImmutableArray<string>> problems, CancellationToken cancellationToken)
    {
        var kept = Directory.Exists(options.Directory)
            ? Directory.EnumerateDirectories(options.Directory).Select(path => Guid.TryParse(Path.GetFileName(path), out var uuid) ? uuid : Guid.Empty)
            : [];
        foreach (var other in kept.Concat(_services.Keys).Distinct().Where(uuid => uuid != Guid.Empty && !wanted.Contains(uuid)).ToList())
        {
            try
            {
                await (_services.GetValueOrDefault(other) ?? Make(other)).EndAsync(cancellationToken);
                _services.Remove(other);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or TimeoutException)
            {
                problems[other] = [exception.Message];
            }
        }
    }
}
