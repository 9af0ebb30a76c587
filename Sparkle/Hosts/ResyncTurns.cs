namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// Who may be asked for a full state (R15). After a restart every host has to be; no more than some of them answer at
/// once, the others wait in the order in which they came.
/// </summary>
internal sealed class ResyncTurns(int atOnce)
{
    // Long enough for a full state over a slow network; a host that answers with chunks gets as long for each.
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(10);

    // Who waits, in order; one that ended is no longer among the waiting, and is passed over when its turn comes.
    private readonly Queue<HostSession> _queue = [];
    private readonly HashSet<HostSession> _waiting = [];

    // Who was asked, and when somebody else may be instead.
    private readonly Dictionary<HostSession, TimeSpan> _asked = [];

    /// <summary>How many are being asked.</summary>
    public int Asked => _asked.Count;

    /// <summary>Whether the session may be asked now; otherwise it is remembered, and <see cref="Next"/> returns it in its turn.</summary>
    public bool Ask(HostSession session, TimeSpan now)
    {
        // Asking again does not make a turn longer: a host that does not answer must not keep the others waiting.
        if (_asked.ContainsKey(session))
            return true;
        if (_asked.Count < atOnce && _waiting.Count == 0)
        {
            _asked.Add(session, now + Turn);
            return true;
        }
        if (_waiting.Add(session))
            _queue.Enqueue(session);
        return false;
    }

    /// <summary>The session's answer has come in part.</summary>
    public void Progress(HostSession session, TimeSpan now)
    {
        if (_asked.ContainsKey(session))
            _asked[session] = now + Turn;
    }

    /// <summary>Takes the turn from a session whose answer is overdue.</summary>
    public void Tick(HostSession session, TimeSpan now)
    {
        if (_asked.TryGetValue(session, out var ends) && now >= ends)
            _asked.Remove(session);
    }

    /// <summary>The session's answer has come, or will not.</summary>
    public void End(HostSession session)
    {
        _asked.Remove(session);
        _waiting.Remove(session);
    }

    /// <summary>Whose turn it is now; null when nobody waits or none is free.</summary>
    public HostSession? Next(TimeSpan now)
    {
        while (_asked.Count < atOnce && _queue.TryDequeue(out var session))
        {
            if (!_waiting.Remove(session))
                continue;
            _asked.Add(session, now + Turn);
            return session;
        }
        return null;
    }
}
