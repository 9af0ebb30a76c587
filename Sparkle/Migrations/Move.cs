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
        TakenCopy[] taken = at.Place == destination.Host
            ? []
            : at.Volumes.Taken(at.Place, destination.Host, destination.HasArrived ? CopyFill.Hypervisor : CopyFill.Fetch);
        _handover = new Handover(at.Instance, at.Place, destination.Host, at.Order)
        {
            Taken = taken,
            Dropped = at.Place == destination.Host
                ? []
                : VolumeMoves.Rows(at.Volumes.Copies.Where(copy => !Array.Exists(taken, other => other.Copy == copy.Row))),
        };
        Show(MigrationStatus.Arriving, at.IsDatabaseUp ? null : "The database is away, and without it no place changes.");
    }

    /// <summary>
    /// The database is asked whether the place is what it seems to be, and the copies of volumes go: what the host of the place has
    /// from now on is what counts.
    /// </summary>
    public void Check() => _handover = new Handover(at.Instance, at.Place, at.Place!.Value, null)
    {
        Dropped = VolumeMoves.Rows(at.Volumes.Elsewhere(at.Place)),
    };

    /// <summary>Copies of what the host of the place keeps are to be made on the other host, and no others.</summary>
    public void Copy(Guid to, CopyFill fill)
    {
        var from = at.Place!.Value;
        _handover = new Handover(at.Instance, from, from, at.Order)
        {
            Made = at.Volumes.Made(from, to, fill),
            Dropped = at.Volumes.Dropped(from, to, fill),
        };
        Show(MigrationStatus.Preparing, at.IsDatabaseUp ? null : "The database is away, and without it no copies of its volumes are begun.");
    }

    /// <summary>While a change of the place is under way nobody is told anything else.</summary>
    public void Freeze()
    {
        foreach (var host in at.Hosts)
        {
            if (host.Told is { } told)
                Tell(Telling.Of(told));
        }
        Show(
            at.IsStaying ? MigrationStatus.Preparing : MigrationStatus.Arriving,
            at.IsDatabaseUp ? null : at.IsStaying ? "The database is away." : "The database is away, and whether the place changed is not known.");
    }

    public void Show(MigrationStatus status, string? why, CopiedPart copied = default) => _shown = at.Order is null
        ? null
        : new MigrationCurrent
        {
            Instance = at.Instance,
            Status = status,
            Progress = copied.Progress,
            Bytes = copied.Bytes,
            Rate = copied.Rate,
            Why = why,
        };
}
