using System.Runtime.CompilerServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>A controller and all that claims to be one host.</summary>
internal struct Claims
{
    public Agents Agents;
    public Sessions Sessions;

    /// <summary>Who speaks for the host, because its full state was taken last: the peer plus one, 0 when nobody does.</summary>
    public byte Holder;

    /// <summary>Who waits for the holder to show that it lives, or not: the peer plus one, 0 when nobody does.</summary>
    public byte Newcomer;

    /// <summary>What the holder was asked for; anything of that stream shows that it lives.</summary>
    public Stream Probe;

    /// <summary>What is shown of the host.</summary>
    public Rows Shown;

    /// <summary>How many sessions were made; each has a prefix of its own.</summary>
    public byte SessionsMade;

    public Channel<Update> Updates;
    public Channel<Reply> Replies;
    public Budget Budget;

    public override readonly string ToString()
    {
        var agents = Agents;
        var sessions = Sessions;
        var told = Enumerable.Range(0, SessionModel.Peers)
            .Where(peer => agents[peer].Lives || sessions[peer].Exists)
            .Select(peer => $"p{peer}: {agents[peer]}, {sessions[peer]}");
        return $"{string.Join(" ‖ ", told)} | {Updates} → | shown {Shown} of {(Holder == 0 ? "nobody" : $"p{Holder - 1}")}"
            + $"{(Newcomer > 0 ? $", p{Newcomer - 1} waits for {Probe}" : "")} | ← {Replies}";
    }
}

internal struct Agent
{
    public bool Lives;
    public Sender Sender;

    public override readonly string ToString() => Lives ? Sender.ToString() : "dead";
}

internal struct Session
{
    public bool Exists;
    public Receiver Receiver;

    public override readonly string ToString() => Exists ? Receiver.ToString() : "no session";
}

[InlineArray(SessionModel.Peers)]
internal struct Agents
{
    private Agent _first;
}

[InlineArray(SessionModel.Peers)]
internal struct Sessions
{
    private Session _first;
}

/// <summary>
/// Which peer speaks for a host when several claim its uuid (R9): a process and its successor, or two machines with one
/// uuid. Searched for: what is shown is a whole state of one machine, only who completed an exchange changes it, and
/// only that peer is answered; and once faults stop, one living peer is heard and keeps the host (I4).
/// </summary>
/// <remarks>
/// Peer 0 runs on the first machine, peer 1 on the second with the same uuid, and peer 2 is the process that follows
/// peer 0. Each machine changes its rows in turn, so a whole state shows in the versions: the first row is as new as the
/// second, or one version ahead.
/// </remarks>
/// <param name="twins">Whether the second machine is there.</param>
internal sealed class SessionModel(string name, bool twins, Rules rules, Budget budget, int lastSeq = 3, int capacity = 3) : IModel<Claims>
{
    public const int Peers = 3;

    private const int Successor = 2;
    private const int Rounds = 4;

    // Rounds in which nothing may change any more, so that two peers that take the host from each other show.
    private const int CalmRounds = 2;

    // Each claim of another peer makes the holder be asked once more, so the search ends with this many requests of a session.
    private const int MostRequests = 4;
    private const int MostSessions = 6;

    // Versions of the second machine's rows begin here.
    private const int SecondMachine = 32;

    public Claims Start { get; } = Begin(twins, budget);

    public override string ToString() => name;

    public string Describe(in Claims state) => state.ToString();

    public void Expand(in Claims state, Steps<Claims> steps)
    {
        for (var peer = 0; peer < Peers; peer++)
        {
            if (state.Agents[peer].Lives)
                Speak(peer, state, steps);
            if (state.Budget.Retries > 0 && state.Sessions[peer].Exists && state.Sessions[peer].Receiver.AwaitsFull)
            {
                var next = state;
                next.Budget.Retries--;
                next.Sessions[peer].Receiver.Ask(rules, (byte)peer, ref next.Replies);
                Add(new Step("retry timer of peer", peer), next, steps);
            }
        }
        if (state.Budget.SenderRestarts > 0)
        {
            var next = state;
            next.Budget.SenderRestarts--;
            next.Agents[Successor] = new Agent { Lives = true, Sender = Sender.Ready(Successor + 1, state.Agents[0].Sender.Source) };
            next.Agents[0] = default;
            Add(new Step("peer 2 follows peer 0"), next, steps);
        }
        for (var index = 0; index < state.Updates.Count && index <= state.Budget.Overtakings; index++)
        {
            var next = state;
            next.Budget.Overtakings -= (byte)index;
            var update = next.Updates.Take(index);
            var answered = Deliver(update, ref next);
            Add(new Step(LinkStep.DeliverUpdate, index), next, steps, Wrong(update, answered, state, next));
        }
        if (state.Replies.Count > 0)
        {
            var next = state;
            Answer(next.Replies.Take(0), ref next);
            Add(new Step(LinkStep.DeliverReply, 0), next, steps);
        }
        if (state.Newcomer > 0 && (IsDead(state) || state.Budget.Drops > 0))
        {
            var next = state;
            if (!IsDead(state))
                next.Budget.Drops--;
            Concede(ref next);
            Add(new Step("holder not reached"), next, steps);
        }
        if (state.Updates.Count > 0 && state.Budget.Losses > 0)
        {
            var next = state;
            next.Updates.Take(0);
            next.Budget.Losses--;
            Add(new Step(LinkStep.LoseUpdate), next, steps);
        }
        if (state.Updates.Count > 0 && state.Budget.Doubles > 0)
        {
            var next = state;
            next.Updates.Double(late: true);
            next.Budget.Doubles--;
            Add(new Step(LinkStep.DoubleUpdateLate), next, steps);
        }
    }

    public string? Violated(in Claims from)
    {
        if (!IsWhole(from.Shown))
            return "R9: what is shown is no state of either machine";
        var state = from;
        Drain(ref state);
        var calm = 0;
        for (var round = 0; ; round++)
        {
            if (calm == CalmRounds)
                return null;
            if (round == Rounds)
                return twins
                    ? "R9: two machines take the host from each other"
                    : $"I4: nobody heard {Rounds} keep-alives after the last fault";
            var holder = state.Holder;
            var isKept = true;
            for (var peer = 0; peer < Peers; peer++)
            {
                if (state.Sessions[peer].Exists && state.Sessions[peer].Receiver.AwaitsFull)
                    state.Sessions[peer].Receiver.Ask(rules, (byte)peer, ref state.Replies);
                if (state.Agents[peer].Lives)
                    state.Agents[peer].Sender.KeepAlive(rules, (byte)peer, ref state.Updates);
                Drain(ref state);
                isKept &= state.Holder == holder;
            }
            calm = isKept && IsHeard(state) ? calm + 1 : 0;
        }
    }

    private static Claims Begin(bool twins, Budget budget)
    {
        var state = new Claims { Budget = budget };
        state.Agents[0] = new Agent { Lives = true, Sender = Sender.Ready(1, new Rows(Row.First, Row.First)) };
        var second = new Row(SecondMachine << 1);
        if (twins)
            state.Agents[1] = new Agent { Lives = true, Sender = Sender.Ready(2, new Rows(second, second)) };
        return state;
    }

    private static bool IsDead(in Claims state) => state.Holder > 0 && !state.Agents[state.Holder - 1].Lives;

    private static bool IsHeard(in Claims state) =>
        state.Holder > 0
        && state.Agents[state.Holder - 1].Lives
        && state.Shown == state.Agents[state.Holder - 1].Sender.Source;

    private static bool IsWhole(Rows rows) =>
        (rows.A.Version < SecondMachine) == (rows.B.Version < SecondMachine) && rows.A.Version - rows.B.Version is 0 or 1;

    /// <summary>What a delivered message did that it must not.</summary>
    private static string? Wrong(in Update update, bool answered, in Claims before, in Claims after)
    {
        var spoke = before.Holder == update.From + 1;
        if (answered && !spoke)
            return "R9: a peer was answered that does not speak for the host";
        if (after.Holder != before.Holder && !(update.Kind == UpdateKind.Full && after.Holder == update.From + 1))
            return "R9: the holder changed without a completed exchange";
        if (after.Shown == before.Shown)
            return null;
        if (!spoke && update.Kind != UpdateKind.Full)
            return "R9: a peer changed something that did not complete an exchange";
        return before.Shown.A.Version < SecondMachine == after.Shown.A.Version < SecondMachine
            ? LinkModel.CopyWentBack(before.Shown, after.Shown)
            : null;
    }

    private void Speak(int peer, in Claims state, Steps<Claims> steps)
    {
        var sender = state.Agents[peer].Sender;
        if (state.Budget.Changes > 0)
        {
            var next = state;
            next.Budget.Changes--;
            var row = sender.Source.A.Version > sender.Source.B.Version ? 1 : 0;
            next.Agents[peer].Sender.Changed(row, false, rules, (byte)peer, ref next.Updates);
            Add(new Step("change rows of peer", peer), next, steps);
        }
        if (sender.Next < lastSeq)
        {
            var next = state;
            next.Agents[peer].Sender.KeepAlive(rules, (byte)peer, ref next.Updates);
            Add(new Step("keep-alive of peer", peer), next, steps);
        }
        if (state.Budget.Questions == 0)
            return;
        var asking = state;
        asking.Budget.Questions--;
        asking.Updates.Send(new Update(UpdateKind.Question, (byte)peer, 0, default, 0, false, default));
        Add(new Step("question of peer", peer), asking, steps);
    }

    /// <summary>The controller takes a message; returns whether it answered a question.</summary>
    private bool Deliver(in Update update, ref Claims state)
    {
        int peer = update.From;
        ref var session = ref state.Sessions[peer];
        if (!session.Exists && state.Holder > 0 && !rules.Breaks(Broken.ChallengeSkipped))
        {
            Challenge(peer, ref state);
            return false;
        }
        if (!session.Exists)
            Claim(peer, ref state);
        if (rules.Breaks(Broken.TakenOverUnproved))
            state.Holder = (byte)(peer + 1);
        if (update.Kind == UpdateKind.Question)
            return state.Holder == peer + 1 || rules.Breaks(Broken.AnyoneAnswered);
        var shown = state.Shown;
        switch (session.Receiver.Receive(update, rules, (byte)peer, ref shown, ref state.Replies))
        {
            case Outcome.Replaced:
                Hold(peer, ref state);
                state.Shown = shown;
                break;
            case Outcome.Applied when state.Holder == peer + 1 || rules.Breaks(Broken.DisplacedHeard):
                state.Shown = shown;
                break;
        }
        var shows = state.Newcomer > 0 && state.Holder == peer + 1 && update.Stream.Prefix == state.Probe.Prefix;
        if (shows && update.Stream.Counter >= state.Probe.Counter)
            EndContest(ref state); // The newcomer is refused.
        return false;
    }

    private static void Claim(int peer, ref Claims state) =>
        state.Sessions[peer] = new Session { Exists = true, Receiver = Receiver.New(state.SessionsMade++) };

    /// <summary>The holder is asked for something that only a living process answers.</summary>
    private void Challenge(int newcomer, ref Claims state)
    {
        if (state.Newcomer > 0)
            return;
        var holder = state.Holder - 1;
        state.Sessions[holder].Receiver.Ask(rules, (byte)holder, ref state.Replies);
        state.Probe = state.Sessions[holder].Receiver.Stream;
        state.Newcomer = (byte)(newcomer + 1);
    }

    /// <summary>The holder did not answer: the newcomer may complete an exchange in its place.</summary>
    private void Concede(ref Claims state)
    {
        var newcomer = state.Newcomer - 1;
        if (rules.Breaks(Broken.ContestNotEnded))
            return;
        EndContest(ref state);
        if (state.Sessions[newcomer].Exists)
            return;
        Claim(newcomer, ref state);
        state.Sessions[newcomer].Receiver.Ask(rules, (byte)newcomer, ref state.Replies);
    }

    private static void EndContest(ref Claims state)
    {
        state.Newcomer = 0;
        state.Probe = default;
    }

    /// <summary>The peer completed an exchange: from now on it speaks for the host.</summary>
    private void Hold(int peer, ref Claims state)
    {
        var former = state.Holder - 1;
        if (former == peer)
            return;
        var made = state.Sessions[peer].Receiver.Prefix;
        for (var other = 0; other < Peers; other++)
        {
            // Who claimed the host before this one is most likely dead, and its full state may still be on its way.
            var isOlder = state.Sessions[other].Exists && state.Sessions[other].Receiver.Prefix < made;
            var ends = other == former ? !rules.Breaks(Broken.DisplacedHeard) : isOlder && !rules.Breaks(Broken.OlderCandidateKept);
            if (other != peer && ends)
                state.Sessions[other] = default;
        }
        state.Holder = (byte)(peer + 1);
        EndContest(ref state);
    }

    private void Answer(in Reply reply, ref Claims state)
    {
        if (state.Agents[reply.To].Lives)
            state.Agents[reply.To].Sender.Requested(reply.Stream, rules, reply.To, ref state.Updates);
    }

    private void Drain(ref Claims state)
    {
        while (true)
        {
            if (state.Newcomer > 0 && IsDead(state) && !rules.Breaks(Broken.ContestNotEnded))
                Concede(ref state);
            else if (state.Updates.Count + state.Replies.Count == 0)
                return;
            else if (state.Updates.Count > 0 && state.Replies.Count < 4)
                Deliver(state.Updates.Take(0), ref state);
            else
                Answer(state.Replies.Take(0), ref state);
        }
    }

    private void Add(Step step, in Claims next, Steps<Claims> steps, string? violated = null)
    {
        for (var peer = 0; peer < Peers; peer++)
        {
            if (next.Sessions[peer].Receiver.Requests > MostRequests)
                return;
        }
        if (next.Updates.Count <= capacity && next.Replies.Count <= capacity && next.SessionsMade <= MostSessions)
            steps.Add(step, next, violated);
    }
}
