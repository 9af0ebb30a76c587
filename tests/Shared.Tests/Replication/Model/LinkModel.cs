namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>How often each thing may still happen: what makes the search end.</summary>
internal record struct Budget
{
    /// <summary>A row of the source changes or is removed.</summary>
    public byte Changes { get; set; }

    public byte Losses { get; set; }

    public byte Doubles { get; set; }

    /// <summary>A message is taken before older ones.</summary>
    public byte Overtakings { get; set; }

    public byte SenderRestarts { get; set; }

    public byte ReceiverRestarts { get; set; }

    /// <summary>The receiver asks once more: its retry timer ends, however early, or the digests differ (R17).</summary>
    public byte Retries { get; set; }

    /// <summary>The sender ends its stream: the peer could not be reached (R13), or its own state is not complete any more.</summary>
    public byte Drops { get; set; }

    /// <summary>A peer asks for the full state of the other direction.</summary>
    public byte Questions { get; set; }

    public override readonly string ToString() =>
        string.Join(" ", new (string Name, int Count)[]
        {
            ("changes", Changes),
            ("losses", Losses),
            ("doubles", Doubles),
            ("overtakings", Overtakings),
            ("sender restarts", SenderRestarts),
            ("receiver restarts", ReceiverRestarts),
            ("retries", Retries),
            ("drops", Drops),
            ("questions", Questions),
        }.Where(part => part.Count > 0).Select(part => $"{part.Name} {part.Count}"));
}

/// <summary>One sender, one receiver, what is on its way between them, and what can still happen.</summary>
internal struct Link
{
    public Sender Sender;
    public Receiver Receiver;
    public Rows Copy;
    public Channel<Update> Updates;
    public Channel<Reply> Replies;
    public Budget Budget;

    public override readonly string ToString() =>
        $"{Sender} | {Updates} → | {Receiver} copy {Copy} | ← {Replies}";
}

/// <summary>The steps of a link, by name; what is compared with the real code takes the same.</summary>
internal static class LinkStep
{
    public const string Change = "change row";
    public const string Remove = "remove row";
    public const string KeepAlive = "keep-alive";
    public const string DeliverUpdate = "deliver update";
    public const string DeliverReply = "deliver reply";
    public const string LoseUpdate = "lose update";
    public const string LoseReply = "lose reply";
    public const string DoubleUpdate = "double update";
    public const string DoubleUpdateLate = "double update, late";
    public const string DoubleReply = "double reply";
    public const string DoubleReplyLate = "double reply, late";
    public const string Retry = "retry timer";
    public const string AskAnew = "ask anew";
    public const string Tell = "tell what was taken";
    public const string RestartSender = "restart sender";
    public const string RestartReceiver = "restart receiver";
    public const string BecomeReady = "sender becomes ready";
    public const string DropStream = "peer not reached";
    public const string LoseReadiness = "sender's state not complete";
}

/// <summary>
/// One direction of replication between a sender and a receiver (R1 to R7, R13, R14), searched for I1 to I6.
/// </summary>
/// <param name="name">What the mix of faults is called.</param>
/// <param name="lastSeq">Keep-alives end when the seq is this high.</param>
/// <param name="capacity">How many messages may be on their way in each direction.</param>
internal sealed class LinkModel(string name, Rules rules, Budget budget, int lastSeq = 4, int capacity = 3) : IModel<Link>
{
    // Rounds of a keep-alive and everything that follows from it, after which both sides must agree.
    private const int Rounds = 4;

    public Rules Rules { get; } = rules;

    public Link Start { get; } = new()
    {
        Sender = Sender.Ready(1, new Rows(Row.First, Row.First)),
        Receiver = Receiver.New(0),
        Budget = budget,
    };

    public override string ToString() => name;

    public string Describe(in Link state) => state.ToString();

    public void Expand(in Link link, Steps<Link> steps)
    {
        var budget = link.Budget;
        for (var row = 0; row < 2 && budget.Changes > 0; row++)
        {
            Try(new Step(LinkStep.Change, row), link, steps);
            if (link.Sender.Source[row].IsThere)
                Try(new Step(LinkStep.Remove, row), link, steps);
        }
        if (link.Sender.Phase == SenderPhase.NotReady)
            Try(new Step(LinkStep.BecomeReady), link, steps);
        else if (link.Sender.Next < lastSeq)
            Try(new Step(LinkStep.KeepAlive), link, steps);
        for (var index = 0; index < link.Updates.Count && index <= budget.Overtakings; index++)
            Try(new Step(LinkStep.DeliverUpdate, index), link, steps);
        for (var index = 0; index < link.Replies.Count && index <= budget.Overtakings; index++)
            Try(new Step(LinkStep.DeliverReply, index), link, steps);
        if (link.Updates.Count > 0)
            Spoil(LinkStep.LoseUpdate, LinkStep.DoubleUpdate, LinkStep.DoubleUpdateLate, link, steps);
        if (link.Replies.Count > 0)
            Spoil(LinkStep.LoseReply, LinkStep.DoubleReply, LinkStep.DoubleReplyLate, link, steps);
        if (budget.Retries > 0 && link.Receiver.Phase != ReceiverPhase.New)
            Try(new Step(link.Receiver.AwaitsFull ? LinkStep.Retry : LinkStep.AskAnew), link, steps);
        if (CanTell(link))
            Try(new Step(LinkStep.Tell), link, steps);
        if (budget.SenderRestarts > 0)
            Try(new Step(LinkStep.RestartSender), link, steps);
        if (budget.ReceiverRestarts > 0)
            Try(new Step(LinkStep.RestartReceiver), link, steps);
        if (budget.Drops > 0 && link.Sender.Phase > SenderPhase.NoStream)
        {
            Try(new Step(LinkStep.DropStream), link, steps);
            Try(new Step(LinkStep.LoseReadiness), link, steps);
        }
    }

    /// <summary>Does one step. What is not possible in the state is not asked for.</summary>
    public Outcome Take(Step step, ref Link link)
    {
        ref var budget = ref link.Budget;
        ref var sender = ref link.Sender;
        switch (step.What)
        {
            case LinkStep.Change:
            case LinkStep.Remove:
                budget.Changes--;
                sender.Changed(step.Index, step.What == LinkStep.Remove, Rules, 0, ref link.Updates);
                break;
            case LinkStep.KeepAlive:
                sender.KeepAlive(Rules, 0, ref link.Updates);
                break;
            case LinkStep.DeliverUpdate:
                budget.Overtakings -= (byte)step.Index;
                return link.Receiver.Receive(link.Updates.Take(step.Index), Rules, 0, ref link.Copy, ref link.Replies);
            case LinkStep.DeliverReply:
                budget.Overtakings -= (byte)step.Index;
                var reply = link.Replies.Take(step.Index);
                if (reply.Kind == ReplyKind.Request)
                    sender.Requested(reply.Stream, Rules, 0, ref link.Updates);
                else
                    sender.Take(reply, Rules, 0, ref link.Updates);
                break;
            case LinkStep.LoseUpdate:
                budget.Losses--;
                link.Updates.Take(0);
                break;
            case LinkStep.LoseReply:
                budget.Losses--;
                link.Replies.Take(0);
                break;
            case LinkStep.DoubleUpdate:
            case LinkStep.DoubleUpdateLate:
                budget.Doubles--;
                link.Updates.Double(late: step.What == LinkStep.DoubleUpdateLate);
                break;
            case LinkStep.DoubleReply:
            case LinkStep.DoubleReplyLate:
                budget.Doubles--;
                link.Replies.Double(late: step.What == LinkStep.DoubleReplyLate);
                break;
            case LinkStep.Retry:
            case LinkStep.AskAnew:
                budget.Retries--;
                link.Receiver.Ask(Rules, 0, ref link.Replies);
                break;
            case LinkStep.Tell:
                link.Receiver.Tell(0, ref link.Replies);
                break;
            case LinkStep.RestartSender:
                budget.SenderRestarts--;
                sender = sender.Restarted(sender.Incarnation + 1);
                break;
            case LinkStep.RestartReceiver:
                budget.ReceiverRestarts--;
                link.Receiver = Receiver.New(link.Receiver.Prefix + 1);
                link.Copy = default;
                break;
            case LinkStep.BecomeReady:
                sender.BecomeReady();
                break;
            case LinkStep.DropStream:
            case LinkStep.LoseReadiness:
                budget.Drops--;
                sender.DropStream(ready: step.What == LinkStep.DropStream);
                break;
            default:
                throw new InvalidOperationException($"No step is called {step.What}.");
        }
        return Outcome.Ignored;
    }

    public string? Violated(in Link link)
    {
        var allSent = !Rules.Acknowledges || link.Sender.Sent == link.Sender.Source;
        if (IsQuiet(link) && InStep(link) && allSent && !link.Copy.LookLike(link.Sender.Source))
            return "I1: in step and nothing in flight, and yet the copy differs";
        if (Rules.Acknowledges && IsCrowded(link))
            return "I6: more was sent than the window allows, and the receiver did not take it";
        return RoundsToAgree(link) is null ? $"I4: no agreement {Rounds} keep-alives after the last fault" : null;
    }

    /// <summary>How many keep-alives it takes both sides to agree when nothing goes wrong any more; null when it is too many.</summary>
    public int? RoundsToAgree(in Link from)
    {
        var link = from;
        for (var round = 0; ; round++)
        {
            Drain(ref link);
            if (InStep(link) && link.Copy.LookLike(link.Sender.Source))
                return round;
            if (round == Rounds)
                return null;
            if (link.Receiver.AwaitsFull)
                link.Receiver.Ask(Rules, 0, ref link.Replies);
            if (link.Sender.Phase == SenderPhase.NotReady)
                link.Sender.BecomeReady();
            if (CanTell(link))
                link.Receiver.Tell(0, ref link.Replies);
            link.Sender.KeepAlive(Rules, 0, ref link.Updates);
        }
    }

    private void Drain(ref Link link)
    {
        while (!IsQuiet(link))
        {
            var updateNext = link.Updates.Count > 0 && link.Replies.Count < 3;
            Take(new Step(updateNext ? LinkStep.DeliverUpdate : LinkStep.DeliverReply, 0), ref link);
        }
    }

    /// <summary>Whether there is something to tell that is not on its way already.</summary>
    private bool CanTell(in Link link)
    {
        var tells = Rules.Acknowledges && !Rules.Breaks(Broken.WindowStaysClosed);
        if (!tells || link.Receiver.Phase != ReceiverPhase.Synced || link.Receiver.Next == 1)
            return false;
        var told = new Channel<Reply>();
        link.Receiver.Tell(0, ref told);
        for (var index = 0; index < link.Replies.Count; index++)
        {
            if (link.Replies[index] == told[0])
                return false;
        }
        return true;
    }

    /// <summary>Whether a message with rows went out although the receiver had not taken enough of those before.</summary>
    private bool IsCrowded(in Link link)
    {
        var follows = link.Receiver.Phase == ReceiverPhase.Synced && link.Receiver.Incarnation == link.Sender.Incarnation;
        var chunksTaken = link.Receiver.Phase == ReceiverPhase.Assembling ? link.Receiver.Next : follows ? Rules.Chunks : 0;
        var taken = follows ? link.Receiver.Next - 1 : 0;
        for (var index = 0; index < link.Updates.Count && link.Sender.Stream == link.Receiver.Stream; index++)
        {
            var update = link.Updates[index];
            if (update.Stream != link.Sender.Stream || update.Incarnation != link.Sender.Incarnation)
                continue;
            if (update.Kind == UpdateKind.Chunk && update.Number >= chunksTaken + Rules.ChunkWindow)
                return true;
            if (update.Kind == UpdateKind.Partial && update.Rows != default && update.Number > taken + Rules.Window)
                return true;
        }
        return false;
    }

    private static bool IsQuiet(in Link link) => link.Updates.Count == 0 && link.Replies.Count == 0;

    private static bool InStep(in Link link) =>
        link.Receiver.Phase == ReceiverPhase.Synced
        && link.Sender.Phase == SenderPhase.Streaming
        && link.Receiver.Incarnation == link.Sender.Incarnation
        && link.Receiver.Stream == link.Sender.Stream
        && link.Receiver.Next == link.Sender.Next;

    private void Spoil(string lose, string twice, string twiceLate, in Link link, Steps<Link> steps)
    {
        if (link.Budget.Losses > 0)
            Try(new Step(lose), link, steps);
        if (link.Budget.Doubles == 0)
            return;
        Try(new Step(twice), link, steps);
        Try(new Step(twiceLate), link, steps);
    }

    private void Try(Step step, in Link link, Steps<Link> steps)
    {
        var next = link;
        Take(step, ref next);
        if (next.Updates.Count > capacity || next.Replies.Count > capacity)
            return;
        steps.Add(step, next, step.What == LinkStep.RestartReceiver ? null : CopyWentBack(link.Copy, next.Copy));
    }

    /// <summary>What a change of a copy violates; shared by every model whose copy has two rows.</summary>
    public static string? CopyWentBack(Rows before, Rows after)
    {
        for (var row = 0; row < 2; row++)
        {
            if (before[row].IsThere && !after[row].IsListed)
                return "I2: a row is gone that its source never removed";
            if (after[row].IsListed && after[row].Version < before[row].Version)
                return "I3: a row went back to an older version";
        }
        return null;
    }
}
