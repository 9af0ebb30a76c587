using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Replication;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// The sessions with Twilight processes: which of them speaks for its host (R9, drawn in README.md), and who is asked for a
/// full state when (R15). Owned by the control loop.
/// </summary>
internal sealed partial class HostSessions(
    HostPost post,
    ScopeResolver scopes,
    RowHasher hasher,
    IEventSink events,
    IEntropy entropy,
    ControlOptions options,
    TimeProvider time,
    ILogger logger)
{
    // A restarting Twilight has one process that ends and one that begins; more than a few at once is a fault.
    private const int MaxClaimants = 4;

    private readonly Dictionary<PeerId, HostSession> _sessions = [];
    private readonly ResyncTurns _turns = new(options.ResyncsAtOnce);

    /// <summary>How many there are, those included that have not completed an exchange.</summary>
    public int Count => _sessions.Count;

    /// <summary>How many hosts are being asked for their full state.</summary>
    public int Asked => _turns.Asked;

    /// <summary>How often a host was asked for its full state.</summary>
    public long Resyncs { get; private set; }

    private TimeSpan Now => time.GetElapsedTime(0);

    /// <summary>The session of the peer, or null while somebody else speaks for the host.</summary>
    public HostSession? Find(HostLink link, PeerId peer)
    {
        if (link.SessionOf(peer) is { } known)
            return known;
        if (link.Holder is { } holder && link.SilentSince is null)
        {
            Challenge(holder, peer);
            return null;
        }
        return Claim(link, peer);
    }

    /// <summary>The session completed an exchange: from now on it speaks for the host.</summary>
    /// <returns>Whether it did not before.</returns>
    public bool Hold(HostSession session)
    {
        _turns.End(session);
        if (session.IsHolder)
            return false;
        var link = session.Link;
        if (link.Holder is { } former)
            End(former);
        // Who claimed to be this host before is most likely dead, and its full state may still be on its way: it would put
        // what was in the place of what is. If it lives, it greets again and begins anew.
        var place = link.Claimants.IndexOf(session);
        foreach (var earlier in link.Claimants.GetRange(0, place))
            End(earlier);
        link.Claimants.RemoveRange(0, place + 1);
        link.Holder = session;
        link.Contest = null;
        session.Feed.Open();
        return true;
    }

    /// <summary>A message of the holder decides a contest if only a process that lives can have sent it.</summary>
    public void Defend(HostSession session, StateMessage message)
    {
        var link = session.Link;
        if (link.Contest is not { } contest || !session.IsHolder || message.Stream != contest.Probe && !contest.Probe.IsOlderThan(message.Stream))
            return;
        link.Contest = null;
        post.Send(contest.Newcomer, new Message.SparkleRefused(Message.SparkleRefused.Taken));
        var now = Now;
        if (!link.Refused.TryGetValue(contest.Newcomer, out var since))
        {
            if (link.Refused.Count >= MaxClaimants)
                link.Refused.Clear();
            link.Refused.Add(contest.Newcomer, now);
        }
        else if (now - since >= options.KeepAlive / 2)
        {
            // Not the last words of a dead process, then.
            link.Refused[contest.Newcomer] = now;
            LogContested(link.Uuid);
            events.Record(new PlatformEvent("host-contested", EventSeverity.Error, link.Uuid, null, time.GetUtcNow(), null));
        }
    }

    /// <summary>A message to the peer was not delivered.</summary>
    public void Failed(PeerId peer, Undelivered reason)
    {
        if (!_sessions.TryGetValue(peer, out var session))
            return;
        // The stream is broken: what was to be sent is in the next full state. The peer notices the gap and asks, or it is
        // gone and its successor does.
        session.Feed.Break();
        if (reason != Undelivered.Unreachable)
            return;
        _turns.End(session);
        var link = session.Link;
        if (link.Claimants.Remove(session))
            End(session);
        else if (link.Contest is { } contest)
            Concede(link, contest);
    }

    /// <summary>
    /// Nobody who spoke for the host may go on. What was reported stays, until a new session replaces it or silence makes
    /// it old.
    /// </summary>
    public void EndAll(HostLink link)
    {
        foreach (var session in link.Claimants.Append(link.Holder).OfType<HostSession>())
            End(session);
        link.Claimants.Clear();
        link.Refused.Clear();
        link.Holder = null;
        link.Contest = null;
    }

    /// <summary>Time passes for one host's sessions.</summary>
    /// <param name="silence">How long a claimant may say nothing before it is forgotten.</param>
    public void Tick(HostLink link, TimeSpan silence, TimeSpan now)
    {
        if (link.Holder is { } holder)
            Tick(holder, now);
        if (link.Contest is { } contest && now >= contest.Ends)
            Concede(link, contest);
        for (var i = link.Claimants.Count - 1; i >= 0; i--)
        {
            var claimant = link.Claimants[i];
            Tick(claimant, now);
            if (now - claimant.LastHeard <= silence)
                continue;
            link.Claimants.RemoveAt(i);
            End(claimant);
        }
    }

    /// <summary>The session's answer has come in part.</summary>
    public void Progress(HostSession session) => _turns.Progress(session, session.LastHeard);

    /// <summary>Has the session ask for a full state although nothing was missed.</summary>
    public void AskAnew(HostSession session)
    {
        session.Receiver.AskAnew(Now, entropy.NextDouble());
        Ask(session);
    }

    /// <summary>Sends the request that the session's receiver waits for, when it is its turn.</summary>
    public void Ask(HostSession session)
    {
        if (session.Receiver.State is not ReceiverState.Waiting(var request, _, _))
            return;
        if (_turns.Ask(session, Now))
            SendResync(session, request);
        else
            AskNext(Now);
    }

    /// <summary>Asks those whose turn has come.</summary>
    public void AskNext(TimeSpan now)
    {
        while (_turns.Next(now) is { } session)
        {
            if (session.Receiver.State is ReceiverState.Waiting(var request, _, _))
                SendResync(session, request);
            else
                _turns.End(session);
        }
    }

    private void SendResync(HostSession session, StreamId request)
    {
        Resyncs++;
        post.Send(session, new Message.SparkleResync(request));
    }

    private void Tick(HostSession session, TimeSpan now)
    {
        _turns.Tick(session, now);
        if (session.Receiver.Tick(now, entropy.NextDouble()) is not null)
            Ask(session);
    }

    private HostSession? Claim(HostLink link, PeerId peer)
    {
        if (link.Claimants.Count == MaxClaimants)
        {
            LogCrowded(link.Uuid, MaxClaimants);
            return null;
        }
        var feed = new DesiredFeed(link.Uuid.ToString(), entropy.NextId(), scopes, hasher, options.Limits);
        var session = new HostSession(link, peer, feed, new ReplicationReceiver(entropy.NextId())) { LastHeard = Now };
        link.Claimants.Add(session);
        _sessions[peer] = session;
        return session;
    }

    /// <summary>
    /// Somebody else claims the host. Most often its Twilight was started anew and the holder is dead: then the next message
    /// to it fails at once. So the holder is asked for something that only a living process answers.
    /// </summary>
    private void Challenge(HostSession holder, PeerId newcomer)
    {
        if (holder.Link.Contest is not null)
            return;
        var now = Now;
        var probe = holder.Receiver.AskAnew(now, entropy.NextDouble());
        holder.Link.Contest = new Contest(newcomer, probe, now + options.KeepAlive);
        // Out of turn: somebody waits for the answer.
        SendResync(holder, probe);
    }

    /// <summary>The holder does not answer: whoever waits may complete an exchange in its place.</summary>
    private void Concede(HostLink link, Contest contest)
    {
        link.Contest = null;
        if (link.SessionOf(contest.Newcomer) is null && Claim(link, contest.Newcomer) is { } session)
            AskAnew(session);
    }

    private void End(HostSession session)
    {
        _turns.End(session);
        if (_sessions.GetValueOrDefault(session.Peer) == session)
            _sessions.Remove(session.Peer);
    }

    [LoggerMessage(1106, LogLevel.Warning, "More than {Count} processes claim to be host {Host}; the newest is not answered.")]
    private partial void LogCrowded(Guid host, int count);

    [LoggerMessage(1110, LogLevel.Error, "Two machines claim to be host {Host}. The one that was there first stays; the other is told nothing.")]
    private partial void LogContested(Guid host);
}
