using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>A decision in the making.</summary>
internal sealed class Move(MoveSituation at)
{
    private readonly SortedDictionary<Guid, Telling> _told = [];
    private Handover? _handover;
    private MigrationCurrent? _shown;

    public MoveDecision Decision => new([.. _told.Values], _handover, _shown);

    /// <summary>The copy that stands still at this host, if it is heard of.</summary>
    public HostWord? Arrived(Guid? host) => at.Hosts.FirstOrDefault(word => word.Host == host && word.HasArrived && word.IsPresent);

    public void Tell(HostWord host, MigrationRole role, Guid peer) => Tell(new Telling(host.Host, role, peer));

    public void Tell(Telling telling) => _told[telling.Host] = telling;

    /// <summary>What it was told before, in the same turn; this role if that was nothing.</summary>
    public void TellAgain(HostWord host, MigrationRole role) => Tell(
        host.Told is { } told ? Telling.Of(told) : new Telling(host.Host, role, host.Said?.PeerHost ?? at.Order?.DestinationHost ?? host.Host));

    /// <summary>The place goes to the host, or is there and the order is done.</summary>
    public void HandOver(HostWord destination)
    {
        _handover = new Handover(at.Instance, at.Place, destination.Host, at.Order);
        Show(MigrationStatus.Arriving, at.IsDatabaseUp ? null : "The database is away, and without it no place changes.");
    }

    /// <summary>The database is asked whether the place is what it seems to be.</summary>
    public void Check() => _handover = new Handover(at.Instance, at.Place, at.Place!.Value, null);

    /// <summary>While a change of the place is under way nobody is told anything else.</summary>
    public void Freeze()
    {
        foreach (var host in at.Hosts)
        {
            if (host.Told is { } told)
                Tell(Telling.Of(told));
        }
        Show(MigrationStatus.Arriving, at.IsDatabaseUp ? null : "The database is away, and whether the place changed is not known.");
    }

    public void Show(MigrationStatus status, string? why, HostMigrationCurrent? copied = null) => _shown = at.Order is null
        ? null
        : new MigrationCurrent
        {
            Instance = at.Instance,
            Status = status,
            Progress = copied?.Progress,
            Bytes = copied?.Bytes,
            Rate = copied?.Rate,
            Why = why,
        };
}
