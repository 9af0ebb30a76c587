namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// Who may be asked for a full state (R15). After a restart every host has to be; no more than some of them answer at
/// once, the others wait in the order in which they came.
/// </summary>
internal sealed class ResyncTurns(int atOnce)
{
    // Long enough for a full state over a slow network; a host that answers with chunks gets as long for each.
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(10);

    private readonly Queue<HostSession> _queue = [];
    private readonly HashSet<HostSession> _asked = [];

    /// <summary>How many are being asked.</summary>
    public int Asked => _asked.Count;

    /// <summary>Whether the session may be asked now; otherwise it is remembered, and <see cref="Next"/> returns it in its turn.</summary>
    public bool Ask(HostSession session, TimeSpan now)
    {
        // Asking again does not make a turn longer: a host that does not answer must not keep the others waiting.
        if (_asked.Contains(session))
            return true;
        if (_asked.Count >= atOnce || _queue.Count > 0)
        {
            if (!session.IsQueued)
                _queue.Enqueue(session);
            session.IsQueued = true;
            return false;
        }
        Begin(session, now);
        return true;
    }

    /// <summary>The session's answer has come in part.</summary>
    public void Progress(HostSession session, TimeSpan now)
    {
        if (_asked.Contains(session))
            session.TurnEnds = now + Turn;
    }

    /// <summary>The session's answer has come, or will not.</summary>
    public void End(HostSession session)
    {
        _asked.Remove(session);
        session.TurnEnds = null;
    }

    /// <summary>Whose turn it is now; null when nobody waits or none is free.</summary>
    public HostSession? Next(TimeSpan now)
    {
        while (_asked.Count < atOnce && _queue.TryDequeue(out var session))
        {
            session.IsQueued = false;
            if (session.IsOver)
                continue;
            Begin(session, now);
            return session;
        }
        return null;
    }

    private void Begin(HostSession session, TimeSpan now)
    {
        _asked.Add(session);
        session.TurnEnds = now + Turn;
    }
}
