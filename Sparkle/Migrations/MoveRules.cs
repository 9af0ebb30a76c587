using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>
/// What follows from the order, the place and what hosts say: README.md has it as a table. A pure function, so that what hosts are
/// told is the same after a restart.
/// </summary>
internal static class MoveRules
{
    public static MoveDecision Decide(MoveSituation at)
    {
        if (at.Wanted is not { Template: false } wanted)
            return Unwanted(at);
        var move = new Move(at);
        if (at.IsHandingOver)
            move.Freeze();
        else if (at.Place is not { } place)
            Place(at, move);
        else if (at.Of(place) is { HasArrived: true } destination)
            Take(at, move, destination);
        else if (at.Of(place) is { HasLeft: true } left)
            HandOver(at, move, left, wanted);
        else
            SourceRules.Decide(at, move, at.Of(place), wanted);
        return move.Decision;
    }

    /// <summary>Nobody needs a copy of what was deleted. What is only missing in the database is kept.</summary>
    private static MoveDecision Unwanted(MoveSituation at) => new(
        [.. at.Hosts.Where(host => host.HasArrived && at.IsDeleted)
            .Select(host => new Telling(host.Host, MigrationRole.Discard, host.Said?.PeerHost ?? host.Host))],
        null, null);

    /// <summary>
    /// No host is to have it: the source was given up, or there was none. The copy for which it left is the instance; of any other nobody
    /// knows whether the guest went on after it.
    /// </summary>
    private static void Place(MoveSituation at, Move move)
    {
        foreach (var copy in at.Hosts.Where(host => host.HasArrived))
            move.Tell(copy, copy.Host == at.LeftFor ? MigrationRole.Receive : MigrationRole.Discard, copy.Said?.PeerHost ?? copy.Host);
        if (move.Arrived(at.LeftFor) is { } whole)
            move.HandOver(whole);
        if (at.Order is not { } order || at.Hosts.Any(host => host.HasArrived))
            return;
        // What is on its way to a host may become whole there yet, and would be taken for the instance as soon as the place is there.
        var asked = at.Hosts.Where(host => host.IsThere
            && (host.IsBusy || host.Role is MigrationRole.Stay or MigrationRole.Discard)).ToList();
        foreach (var host in asked)
            move.Tell(host, MigrationRole.Stay, host.Told?.PeerHost ?? host.Said?.PeerHost ?? host.Host);
        if (asked.Find(host => !(host.HasLeft && host.Role == MigrationRole.Stay)) is { } unknown)
            move.Show(MigrationStatus.Waiting, unknown.IsPresent ? $"{unknown.Name} is being asked whether it has it." : $"{unknown.Name} is not heard of, and may have it.");
        else if (at.Hosts.FirstOrDefault(host => host.IsThere && host.Host != order.DestinationHost && host.Instance is not null) is { } holder)
            move.Show(MigrationStatus.Waiting, $"{holder.Name} still has it.");
        else if (at.Obstacle is { } obstacle)
            move.Show(MigrationStatus.Waiting, obstacle);
        else
            move.HandOver(at.Of(order.DestinationHost));
    }

    /// <summary>The copy at the place goes on as soon as it is known that nobody else's does.</summary>
    private static void Take(MoveSituation at, Move move, HostWord destination)
    {
        string? why = null;
        foreach (var other in at.Hosts.Where(host => host.IsThere && host.Host != destination.Host))
        {
            if (other.Status == HostMigrationStatus.Left)
                continue;
            if (other.Status is HostMigrationStatus.Here or HostMigrationStatus.Sending || (!other.IsBusy && other.IsOn))
            {
                move.Tell(other, MigrationRole.Stay, destination.Host);
                why = $"{other.Name} has it still.";
            }
            else if (other.HasArrived)
            {
                move.Tell(other, MigrationRole.Receive, destination.Host);
            }
            else if (!other.IsPresent && !other.IsBusy)
            {
                why = $"{other.Name} is not heard of, and may have it.";
            }
        }
        move.Tell(destination, why is null ? MigrationRole.Take : MigrationRole.Receive, destination.Said?.PeerHost ?? destination.Host);
        if (at.Order?.DestinationHost == destination.Host)
            move.HandOver(destination);
        else
            move.Show(MigrationStatus.Waiting, why ?? $"It is about to go on at {destination.Name} first.");
    }

    /// <summary>
    /// The source has it no more: the place goes to the copy for which it left. Without one any other is let go of, and then the place
    /// goes to where it is ordered; else the source gets it back.
    /// </summary>
    private static void HandOver(MoveSituation at, Move move, HostWord source, InstanceDesired wanted)
    {
        move.TellAgain(source, MigrationRole.Stay);
        if (move.Arrived(source.Said?.PeerHost) is { } copy)
        {
            foreach (var other in at.Hosts.Where(host => host.HasArrived))
                move.Tell(other, MigrationRole.Receive, source.Host);
            move.HandOver(copy);
            return;
        }
        // Whoever may have a copy, also if it has not said so yet.
        var asked = at.Hosts.Where(host => host.IsThere && host.Host != source.Host
            && (host.IsBusy || host.Role is MigrationRole.Stay or MigrationRole.Discard || host.Host == source.Said?.PeerHost)).ToList();
        var unknown = asked.FindAll(host => !(host.HasLeft && host.Role == MigrationRole.Stay));
        foreach (var host in asked)
            move.Tell(host, RoleOf(host, source), source.Host);
        var destination = at.Order is { } order && order.DestinationHost != source.Host ? at.Of(order.DestinationHost) : null;
        if (destination is not null && wanted.State == InstanceState.Stopped && at.Volumes.KeptBy(source.Host).Any())
        {
            FetchRules.Decide(at, move, source, destination, unknown);
        }
        else if (unknown.Count > 0)
        {
            move.Show(MigrationStatus.Waiting, unknown.Find(host => !host.IsPresent) is { } silent
                ? $"It has left {source.Name}, and {silent.Name}, which may have it, is not heard of."
                : $"It has left {source.Name}, and it is being asked whether it is anywhere.");
        }
        else if (destination is not null && at.Obstacle is null && !at.Volumes.KeptBy(source.Host).Any())
        {
            move.HandOver(destination);
        }
        else
        {
            // A change of the place, or copies, that an earlier controller has under way must not come after it.
            if (at.CheckedIn == source.Told!.Turn && !at.Volumes.Elsewhere(source.Host).Any())
                move.Tell(source, MigrationRole.Keep, source.Told.PeerHost);
            else
                move.Check();
            move.Show(MigrationStatus.Waiting, at.Obstacle ?? $"It goes on at {source.Name} first.");
        }
    }

    private static MigrationRole RoleOf(HostWord host, HostWord source) => host switch
    {
        { HasArrived: false } => MigrationRole.Stay,
        _ when source.Said!.PeerHost == host.Host => MigrationRole.Receive,
        _ => MigrationRole.Discard,
    };
}
