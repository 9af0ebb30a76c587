using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>
/// What follows for an instance that has left, that is to stay off, and whose volumes only the source reaches: the destination fetches
/// them, and then the place goes to it with them. Whatever is in the way is waited for, since nobody wants the instance on meanwhile.
/// </summary>
internal static class FetchRules
{
    /// <param name="unknown">Hosts of which it is not known yet whether they have a copy of the guest.</param>
    public static void Decide(MoveSituation at, Move move, HostWord source, HostWord destination, IReadOnlyList<HostWord> unknown)
    {
        if (source.Role != MigrationRole.Send)
        {
            // It says the ticket when it is told so, and is believed in that turn only.
            move.Tell(source, MigrationRole.Send, destination.Host);
            move.Show(MigrationStatus.Preparing, null);
            return;
        }
        var isBegun = at.Volumes.AreCopied(source.Host, destination.Host, CopyFill.Fetch);
        if (isBegun && !destination.IsBusy)
            move.Tell(DoorOf(source, destination));
        var others = unknown.Where(host => host.Host != destination.Host || !isBegun || host.IsBusy).ToList();
        if (others.Count > 0)
            move.Show(MigrationStatus.Waiting, others.Find(host => !host.IsPresent) is { } silent
                ? $"It has left {source.Name}, and {silent.Name}, which may have it, is not heard of."
                : $"It has left {source.Name}, and it is being asked whether it is anywhere.");
        else if (at.Obstacle is { } obstacle)
            move.Show(MigrationStatus.Waiting, obstacle, at.Volumes.FetchedAt(destination.Host));
        else if (!isBegun && source.Said is { PeerHost: not null, Ticket: null })
            move.Show(MigrationStatus.Waiting, $"It left {source.Name} for a copy that is no more. Once it was started there again, it moves.");
        else if (!isBegun)
            move.Copy(destination.Host, CopyFill.Fetch);
        else if (at.Volumes.AreReady(source.Host, destination.Host) && destination is { HasLeft: true, Role: MigrationRole.Stay })
            move.HandOver(destination);
        else
            Show(at, move, source, destination);
    }

    /// <summary>Through which door the destination reads; what it was told before, where the source says none.</summary>
    private static Telling DoorOf(HostWord source, HostWord destination)
    {
        if (source is { Said.Ticket: { } ticket, Endpoint: not null })
        {
            return new Telling(destination.Host, MigrationRole.Stay, source.Host)
            {
                Endpoint = source.Endpoint,
                Fingerprint = source.Fingerprint,
                Ticket = ticket,
            };
        }
        return destination.Told is { Role: MigrationRole.Stay } told ? Telling.Of(told) : new Telling(destination.Host, MigrationRole.Stay, source.Host);
    }

    private static void Show(MoveSituation at, Move move, HostWord source, HostWord destination)
    {
        var fetched = at.Volumes.FetchedAt(destination.Host);
        if (at.Volumes.BrokenAt(destination.Host) is { } broken)
            move.Show(MigrationStatus.Broken, $"{destination.Name}: {broken.Said!.Why}", fetched);
        else
            move.Show(MigrationStatus.Copying, source.IsPresent ? null : $"{source.Name} is not heard of.", fetched);
    }
}
