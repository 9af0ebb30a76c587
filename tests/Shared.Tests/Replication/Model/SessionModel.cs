using System.Numerics;
using System.Runtime.CompilerServices;

namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>A controller and all that claims to be one host.</summary>
internal struct Claims
{
    public Agents Agents;
    public Sessions Sessions;

    /// <summary>Who speaks for the host: the peer plus one, 0 when nobody does.</summary>
    public byte Speaker;

    /// <summary>What is shown of the host.</summary>
    public Rows Shown;

    /// <summary>How many sessions were made; each has a prefix of its own.</summary>
    public byte SessionsMade;

    /// <summary>Peers that once spoke for the host and had to give way, one bit each.</summary>
    public byte Displaced;

    /// <summary>How often one of those completed an exchange again.</summary>
    public byte Contests;

    /// <summary>Peers that are not listened to any more, one bit each.</summary>
    public byte Quarantined;

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
        return $"{string.Join(" ‖ ", told)} | {Updates} → | shown {Shown} of {(Speaker == 0 ? "nobody" : $"p{Speaker - 1}")}"
            + $"{(Contests > 0 ? $" contests {Contests}" : "")}{(Quarantined > 0 ? $" quarantined {Quarantined:b}" : "")} | ← {Replies}";
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
/// only that peer is answered; one machine alone is never in contest with itself and always heard again (I4), and two
/// end in quarantine.
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
    private const int MostContests = 3;
    private const int Rounds = 8;

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
        if (!twins && from.Contests > 0)
            return "R9: one machine is in contest with itself";
        var state = from;
        for (var round = 0; ; round++)
        {
            Drain(ref state);
            if (twins ? BitOperations.PopCount((uint)(Alive(state) & ~state.Quarantined)) <= 1 : IsHeard(state))
                return null;
            if (round == Rounds)
                return twins ? "R9: two machines go on with one uuid" : $"I4: not heard {Rounds} keep-alives after the last fault";
            for (var peer = 0; peer < Peers; peer++)
            {
                if (state.Sessions[peer].Exists && state.Sessions[peer].Receiver.AwaitsFull)
                    state.Sessions[peer].Receiver.Ask(rules, (byte)peer, ref state.Replies);
                if (state.Agents[peer].Lives)
                    state.Agents[peer].Sender.KeepAlive(rules, (byte)peer, ref state.Updates);
                Drain(ref state);
            }
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

    private static int Alive(in Claims state)
    {
        var alive = 0;
        for (var peer = 0; peer < Peers; peer++)
            alive |= state.Agents[peer].Lives ? 1 << peer : 0;
        return alive;
    }

    private static bool IsHeard(in Claims state) =>
        state.Speaker > 0
        && state.Agents[state.Speaker - 1].Lives
        && state.Shown == state.Agents[state.Speaker - 1].Sender.Source;

    private static bool IsWhole(Rows rows) =>
        (rows.A.Version < SecondMachine) == (rows.B.Version < SecondMachine) && rows.A.Version - rows.B.Version is 0 or 1;

    /// <summary>What a delivered message did that it must not.</summary>
    private static string? Wrong(in Update update, bool answered, in Claims before, in Claims after)
    {
        var spoke = before.Speaker == update.From + 1;
        if (answered && !spoke)
            return "R9: a peer was answered that does not speak for the host";
        if (after.Speaker != before.Speaker && after.Speaker != 0 && !(update.Kind == UpdateKind.Full && after.Speaker == update.From + 1))
            return "R9: the speaker changed without a completed exchange";
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
        if ((state.Quarantined & 1 << peer) != 0)
            return false;
        ref var session = ref state.Sessions[peer];
        if (!session.Exists)
            session = new Session { Exists = true, Receiver = Receiver.New(state.SessionsMade++) };
        if (rules.Breaks(Broken.TakenOverUnproved))
            state.Speaker = (byte)(peer + 1);
        if (update.Kind == UpdateKind.Question)
            return state.Speaker == peer + 1 || rules.Breaks(Broken.AnyoneAnswered);
        var shown = state.Shown;
        switch (session.Receiver.Receive(update, rules, (byte)peer, ref shown, ref state.Replies))
        {
            case Outcome.Replaced:
                if (TakeOver(peer, ref state))
                    state.Shown = shown;
                break;
            case Outcome.Applied when state.Speaker == peer + 1 || rules.Breaks(Broken.DisplacedHeard):
                state.Shown = shown;
                break;
        }
        return false;
    }

    /// <summary>The peer completed an exchange; whether it speaks for the host now.</summary>
    private bool TakeOver(int peer, ref Claims state)
    {
        var before = state.Speaker - 1;
        if (before == peer)
            return true;
        if ((state.Displaced & 1 << peer) != 0 && ++state.Contests >= MostContests && !rules.Breaks(Broken.ContestNotEnded))
        {
            state.Speaker = 0;
            Quarantine(peer, ref state);
            if (before >= 0)
                Quarantine(before, ref state);
            return false;
        }
        var made = state.Sessions[peer].Receiver.Prefix;
        for (var other = 0; other < Peers; other++)
        {
            // Who claimed the host before this one is most likely dead, and its full state may still be on its way.
            var isOlder = state.Sessions[other].Exists && state.Sessions[other].Receiver.Prefix < made;
            var ends = other == before ? !rules.Breaks(Broken.DisplacedHeard) : isOlder && !rules.Breaks(Broken.OlderCandidateKept);
            if (other != peer && ends)
                state.Sessions[other] = default;
        }
        if (before >= 0)
            state.Displaced |= (byte)(1 << before);
        state.Speaker = (byte)(peer + 1);
        return true;
    }

    private static void Quarantine(int peer, ref Claims state)
    {
        state.Quarantined |= (byte)(1 << peer);
        state.Sessions[peer] = default;
    }

    private void Answer(in Reply reply, ref Claims state)
    {
        if (state.Agents[reply.To].Lives)
            state.Agents[reply.To].Sender.Requested(reply.Stream, rules, reply.To, ref state.Updates);
    }

    private void Drain(ref Claims state)
    {
        while (state.Updates.Count + state.Replies.Count > 0)
        {
            if (state.Updates.Count > 0 && state.Replies.Count < 4)
                Deliver(state.Updates.Take(0), ref state);
            else
                Answer(state.Replies.Take(0), ref state);
        }
    }

    private void Add(Step step, in Claims next, Steps<Claims> steps, string? violated = null)
    {
        if (next.Updates.Count <= capacity && next.Replies.Count <= capacity)
            steps.Add(step, next, violated);
    }
}
