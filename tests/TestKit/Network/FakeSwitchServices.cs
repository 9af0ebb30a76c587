using System.Collections.Immutable;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.TestKit.Network;

/// <summary>Services of switches that answer by themselves, without processes.</summary>
public sealed class FakeSwitchServices : ISwitchServices
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);
    private static readonly DnsmasqPlace Place = new("/nowhere", "nobody", "nogroup");

    private readonly Lock _gate = new();
    private readonly HashSet<Guid> _withoutNamespace = [];
    private ImmutableDictionary<Guid, DnsmasqFiles> _served = ImmutableDictionary<Guid, DnsmasqFiles>.Empty;

    /// <summary>What was wanted last.</summary>
    public IReadOnlyList<SwitchService> Wanted { get; private set; } = [];

    /// <summary>What is read for each switch that is served.</summary>
    public IReadOnlyDictionary<Guid, DnsmasqFiles> Served => _served;

    /// <summary>Whether the switch has a namespace to serve it in; every one has until this says otherwise.</summary>
    public void SetNamespace(Guid @switch, bool isThere)
    {
        lock (_gate)
        {
            if (isThere)
                _withoutNamespace.Remove(@switch);
            else
                _withoutNamespace.Add(@switch);
        }
    }

    /// <summary>Whether somebody who asks on the switch for an address under the name is told one.</summary>
    public bool Answers(Guid @switch, string name) =>
        Served.TryGetValue(@switch, out var files)
        && files.Hosts.Split('\n').Any(line => line.Split(' ').Skip(1).Contains(name, StringComparer.Ordinal));

    public Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var served = ImmutableDictionary.CreateBuilder<Guid, DnsmasqFiles>();
            var problems = ImmutableSortedDictionary.CreateBuilder<Guid, ImmutableArray<string>>();
            foreach (var service in wanted)
            {
                var files = DnsmasqWriter.Write(service, Place);
                var wrong = files?.Problems ?? ServedNetworks.Of(service.Networks).Problems;
                if (files is not null && _withoutNamespace.Contains(service.Switch))
                    wrong = wrong.Add("Nothing is served: there is no namespace.");
                else if (files is not null)
                    served.Add(service.Switch, files);
                if (wrong.Length > 0)
                    problems.Add(service.Switch, wrong);
            }
            Wanted = [.. wanted];
            _served = served.ToImmutable();
            return Task.FromResult(new ServingReport(problems.ToImmutable(), wanted.Count > 0 ? Pace : null));
        }
    }
}
