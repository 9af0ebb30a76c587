using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>What follows while the host of the place has the instance, or has not said otherwise.</summary>
internal static class SourceRules
{
    public static void Decide(MoveSituation at, Move move, HostWord source, InstanceDesired wanted)
    {
        if (at.Order?.DestinationHost == source.Host)
            move.HandOver(source);
        if (source.Role == MigrationRole.Keep && !source.IsOfThisTurn)
        {
            Keep(at, move, source);
            return;
        }
        if (source.Status == HostMigrationStatus.Left)
        {
            // Said in another turn. It says so in this one soon, and then it is known where it is.
            move.TellAgain(source, MigrationRole.Stay);
            foreach (var other in Others(at, source, null))
            {
                if (other.IsBusy)
                    move.Tell(other, MigrationRole.Receive, source.Host);
                else if (other.Role == MigrationRole.Stay)
                    move.TellAgain(other, MigrationRole.Stay);
            }
            move.Show(MigrationStatus.Waiting, $"It has left {source.Name}.");
            return;
        }
        var destination = at.Order is { } order && order.DestinationHost != source.Host ? at.Of(order.DestinationHost) : null;
        var isSettled = true;
        foreach (var other in Others(at, source, destination).Where(other => other.IsBusy))
        {
            isSettled = false;
            Settle(move, source, other);
        }
        if (destination is null)
            Rest(at, move, source, isSettled);
        else if (isSettled)
            Send(at, move, source, destination, wanted);
        else
            Wait(at, move, source, destination, isSettled, "What was begun for another destination is settled first.");
    }

    /// <summary>It was told that it has the instance, and did not say yet that it heard.</summary>
    private static void Keep(MoveSituation at, Move move, HostWord source)
    {
        move.TellAgain(source, MigrationRole.Keep);
        foreach (var other in Others(at, source, null).Where(other => other.Role == MigrationRole.Stay))
            move.TellAgain(other, MigrationRole.Stay);
        move.Show(MigrationStatus.Waiting, $"It goes on at {source.Name} first.");
    }

    private static IEnumerable<HostWord> Others(MoveSituation at, HostWord source, HostWord? destination) =>
        at.Hosts.Where(host => host.IsThere && host.Host != source.Host && host.Host != destination?.Host);

    /// <summary>A destination that is none any more: it is let go of as soon as the source says that it has the instance.</summary>
    private static void Settle(Move move, HostWord source, HostWord other)
    {
        if (!source.HasIt || !source.IsPresent)
            move.Tell(other, MigrationRole.Receive, source.Host);
        else if (other.HasArrived)
            move.Tell(other, MigrationRole.Discard, source.Host);
    }

    /// <summary>Nothing is to be sent. Once that is said, and nothing is left elsewhere, nothing is told.</summary>
    private static void Rest(MoveSituation at, Move move, HostWord source, bool isSettled)
    {
        var isQuiet = source.Status is null or HostMigrationStatus.Here && (source.Told is null || source.HasIt);
        var isClean = at.Order is not null || !at.Volumes.Elsewhere(source.Host).Any();
        if (!isSettled || !isQuiet || !isClean)
            Stay(move, source);
        if (isSettled && !isClean && source is { HasIt: true, IsPresent: true })
            move.Check();
    }

    private static void Stay(Move move, HostWord source)
    {
        if (source.Role == MigrationRole.Stay || (source.HasIt && source.Role != MigrationRole.Send))
            move.TellAgain(source, MigrationRole.Stay);
        else
            move.Tell(source, MigrationRole.Stay, source.Said?.PeerHost ?? source.Told?.PeerHost ?? source.Host);
    }

    private static void Wait(MoveSituation at, Move move, HostWord source, HostWord destination, bool isSettled, string why)
    {
        if (destination.IsBusy)
            Settle(move, source, destination);
        Rest(at, move, source, isSettled && !destination.IsBusy);
        move.Show(MigrationStatus.Waiting, why);
    }

    private static void Send(MoveSituation at, Move move, HostWord source, HostWord destination, InstanceDesired wanted)
    {
        var isSending = source.Role == MigrationRole.Send && source.Told!.PeerHost == destination.Host;
        var isUnderWay = source.Status == HostMigrationStatus.Sending || (isSending && IsAttempt(source, destination));
        if (isUnderWay && !destination.HasArrived && at.Volumes.InterruptionOf(source.Host, destination.Host) is { } interruption)
        {
            Wait(at, move, source, destination, isSettled: true, interruption);
        }
        else if (source.Status == HostMigrationStatus.Sending && (isSending || source.Told is null))
        {
            move.Tell(destination, MigrationRole.Receive, source.Host);
            Again(move, source, destination);
            move.Show(MigrationStatus.Copying, source.Said!.Why, CopiedPart.Of(source.Said));
        }
        else if (destination.HasArrived)
        {
            Arrive(move, source, destination, isSending);
        }
        else if (isSending && IsAttempt(source, destination))
        {
            move.Tell(destination, MigrationRole.Receive, source.Host);
            Again(move, source, destination);
            move.Show(MigrationStatus.Preparing, source.IsPresent ? null : Silent(source));
        }
        else if (!source.IsPresent)
        {
            if (destination.Told is not null || destination.IsBusy)
                move.Tell(destination, MigrationRole.Receive, source.Host);
            if (source.Told is not null)
                move.TellAgain(source, MigrationRole.Stay);
            move.Show(MigrationStatus.Waiting, Silent(source));
        }
        else if (at.Obstacle is { } obstacle && source.Status != HostMigrationStatus.Broken)
        {
            Wait(at, move, source, destination, isSettled: true, obstacle);
        }
        else if (wanted.State == InstanceState.Stopped || !source.IsOn)
        {
            Leave(at, move, source, destination, wanted);
        }
        else
        {
            Prepare(at, move, source, destination);
        }
    }

    /// <summary>Whether what it was told to send may be on its way, although it did not say so yet.</summary>
    private static bool IsAttempt(HostWord source, HostWord destination) =>
        source.Told!.Endpoint is not null
        && !(source.Status == HostMigrationStatus.Broken && source.IsOfThisTurn)
        && (destination.Status == HostMigrationStatus.Receiving
            || (destination.Status == HostMigrationStatus.Ready && destination.Said!.Ticket == source.Told.Ticket)
            || !destination.IsPresent);

    private static void Again(Move move, HostWord source, HostWord destination)
    {
        if (source.Told is not null)
            move.TellAgain(source, MigrationRole.Send);
        else
            Order(move, source, destination);
    }

    private static void Order(Move move, HostWord source, HostWord destination) => move.Tell(new Telling(source.Host, MigrationRole.Send, destination.Host)
    {
        Endpoint = destination.Endpoint,
        Fingerprint = destination.Fingerprint,
        Ticket = destination.Said?.Ticket,
    });

    /// <summary>A whole copy, and the source has not left: either it says so soon, or the copy is one too many.</summary>
    private static void Arrive(Move move, HostWord source, HostWord destination, bool isSending)
    {
        Settle(move, source, destination);
        if (isSending && source.Status != HostMigrationStatus.Broken && !source.HasIt)
            move.TellAgain(source, MigrationRole.Send);
        else
            Stay(move, source);
        move.Show(MigrationStatus.Arriving, source.IsPresent ? source.Said?.Why : Silent(source));
    }

    /// <summary>There is nothing to be copied: it leaves as soon as it is off.</summary>
    private static void Leave(MoveSituation at, Move move, HostWord source, HostWord destination, InstanceDesired wanted)
    {
        if (at.Volumes.KeptBy(source.Host).Any() && wanted.State != InstanceState.Stopped)
        {
            // Whoever wants it on does not wait until its volumes are elsewhere.
            Wait(at, move, source, destination, isSettled: true, $"It starts at {source.Name} first.");
            return;
        }
        if (at.Volumes.HasFetched(source.Host))
        {
            // Since then the source had it, and may have let it run.
            Stay(move, source);
            if (source.HasIt)
                move.Check();
            move.Show(MigrationStatus.Preparing, null);
            return;
        }
        if (destination.IsBusy)
            move.Tell(destination, MigrationRole.Receive, source.Host);
        move.Tell(source, MigrationRole.Send, destination.Host);
        move.Show(MigrationStatus.Waiting, source.IsOn ? $"It stops at {source.Name} first." : null);
    }

    private static void Prepare(MoveSituation at, Move move, HostWord source, HostWord destination)
    {
        if (!at.Volumes.AreCopied(source.Host, destination.Host, CopyFill.Hypervisor))
        {
            // A destination is ready when it has room for what is copied, so it is told of that first.
            if (destination.IsBusy)
                Settle(move, source, destination);
            Stay(move, source);
            move.Show(MigrationStatus.Preparing, null);
            if (source.HasIt && !destination.IsBusy)
                move.Copy(destination.Host, CopyFill.Hypervisor);
            return;
        }
        move.Tell(destination, MigrationRole.Receive, source.Host);
        var isReady = at.Volumes.AreReady(source.Host, destination.Host) && destination is { Status: HostMigrationStatus.Ready, IsOfThisTurn: true, IsPresent: true, Said.Ticket: not null, Endpoint: not null };
        if (isReady && source.HasIt && !at.IsPaused)
            Order(move, source, destination);
        else
            Stay(move, source);
        if (source.Status == HostMigrationStatus.Broken || at.IsPaused)
            move.Show(MigrationStatus.Broken, at.Failure ?? source.Said?.Why);
        else if (at.Volumes.BrokenAt(destination.Host) is { } broken)
            move.Show(MigrationStatus.Broken, $"{destination.Name}: {broken.Said!.Why}");
        else if (destination.Status == HostMigrationStatus.Broken)
            move.Show(MigrationStatus.Broken, $"{destination.Name}: {destination.Said!.Why}");
        else
            move.Show(MigrationStatus.Preparing, destination.Said?.Why);
    }

    private static string Silent(HostWord host) => $"{host.Name} is not heard of.";
}
