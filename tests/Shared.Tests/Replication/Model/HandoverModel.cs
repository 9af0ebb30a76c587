namespace PonyCloud.Shared.Tests.Replication.Model;

/// <summary>Two controllers that replicate one database to one host.</summary>
internal struct Handover
{
    /// <summary>Epoch 1: what it knows of the database ends with the commit that made the other one's epoch.</summary>
    public Sender Old;

    /// <summary>Epoch 2: silent until it became active, which the incarnation tells.</summary>
    public Sender Current;

    public Receiver Receiver;
    public Rows Copy;

    /// <summary>The highest epoch that the host saw; it forgets it with a restart.</summary>
    public byte Highest;

    public Channel<Update> Updates;

    /// <summary>Requests name no controller: whichever is connected gets them.</summary>
    public Channel<Reply> Replies;

    public Budget Budget;

    public readonly bool IsHandedOver => Current.Incarnation != 0;

    public override readonly string ToString() =>
        $"{Old}{(IsHandedOver ? $" ‖ {Current}" : "")} | {Updates} → | epoch {Highest} {Receiver} copy {Copy} | ← {Replies}";
}

/// <summary>
/// The handover from one controller to the next (R16), the old one coming back whenever it likes, searched for I2 to I4 and I8.
/// </summary>
/// <remarks>
/// The epoch is given by a commit of the database, and both controllers follow its commits in order: the old one knows
/// nothing that was committed after the other became active, and that one begins with all that was committed before.
/// </remarks>
internal sealed class HandoverModel(string name, Rules rules, Budget budget, int lastSeq = 4, int capacity = 3) : IModel<Handover>
{
    private const byte OldEpoch = 1;
    private const byte CurrentEpoch = 2;
    private const int Rounds = 4;

    public Handover Start { get; } = new()
    {
        Old = Sender.Ready(1, new Rows(Row.First, Row.First)),
        Receiver = Receiver.New(0),
        Budget = budget,
    };

    public override string ToString() => name;

    public string Describe(in Handover state) => state.ToString();

    public void Expand(in Handover state, Steps<Handover> steps)
    {
        var left = state.Budget;
        if (!state.IsHandedOver)
        {
            var next = state;
            next.Current = Sender.Ready(2, state.Old.Source);
            Add(new Step("the other becomes active"), state, next, steps);
        }
        for (var row = 0; row < 2 && left.Changes > 0; row++)
        {
            var next = state;
            next.Budget.Changes--;
            (next.IsHandedOver ? ref next.Current : ref next.Old).Changed(row, false, rules, EpochOf(next), ref next.Updates);
            Add(new Step(LinkStep.Change, row), state, next, steps);
        }
        for (byte epoch = OldEpoch; epoch <= EpochOf(state); epoch++)
        {
            var next = state;
            ref var sender = ref SenderOf(epoch, ref next);
            if (sender.Next >= lastSeq)
                continue;
            sender.KeepAlive(rules, epoch, ref next.Updates);
            Add(new Step("keep-alive of epoch", epoch), state, next, steps);
        }
        for (var index = 0; index < state.Updates.Count && index <= left.Overtakings; index++)
        {
            var next = state;
            next.Budget.Overtakings -= (byte)index;
            var update = next.Updates.Take(index);
            Deliver(update, ref next);
            Add(new Step(LinkStep.DeliverUpdate, index), state, next, steps, LowerEpochCounted(update, state, next));
        }
        for (byte epoch = OldEpoch; epoch <= EpochOf(state) && state.Replies.Count > 0; epoch++)
        {
            var next = state;
            SenderOf(epoch, ref next).Requested(next.Replies.Take(0).Stream, rules, epoch, ref next.Updates);
            Add(new Step("deliver request to epoch", epoch), state, next, steps);
        }
        Spoil(state, steps);
        if (left.Retries > 0 && state.Receiver.AwaitsFull)
        {
            var next = state;
            next.Budget.Retries--;
            next.Receiver.Ask(rules, 0, ref next.Replies);
            Add(new Step(LinkStep.Retry), state, next, steps);
        }
        if (left.ReceiverRestarts > 0)
        {
            var next = state;
            next.Budget.ReceiverRestarts--;
            next.Receiver = Receiver.New(state.Receiver.Prefix + 1);
            next.Copy = default;
            next.Highest = 0;
            Add(new Step(LinkStep.RestartReceiver), next, next, steps);
        }
    }

    public string? Violated(in Handover from)
    {
        var state = from;
        var epoch = EpochOf(state);
        for (var round = 0; ; round++)
        {
            while (state.Updates.Count + state.Replies.Count > 0)
            {
                if (state.Updates.Count > 0)
                    Deliver(state.Updates.Take(0), ref state);
                else
                    SenderOf(epoch, ref state).Requested(state.Replies.Take(0).Stream, rules, epoch, ref state.Updates);
            }
            ref var sender = ref SenderOf(epoch, ref state);
            var follows = state.Receiver.Phase == ReceiverPhase.Synced && state.Receiver.Incarnation == sender.Incarnation;
            if (follows && state.Copy.LookLike(sender.Source))
                return null;
            if (round == Rounds)
                return $"I4: no agreement {Rounds} keep-alives after the last fault";
            if (state.Receiver.AwaitsFull)
                state.Receiver.Ask(rules, 0, ref state.Replies);
            sender.KeepAlive(rules, epoch, ref state.Updates);
        }
    }

    private static byte EpochOf(in Handover state) => state.IsHandedOver ? CurrentEpoch : OldEpoch;

    private static ref Sender SenderOf(byte epoch, ref Handover state) => ref epoch == OldEpoch ? ref state.Old : ref state.Current;

    private void Deliver(in Update update, ref Handover state)
    {
        if (update.From < state.Highest && !rules.Breaks(Broken.EpochNotChecked))
            return; // R16
        state.Highest = Math.Max(state.Highest, update.From);
        state.Receiver.Receive(update, rules, 0, ref state.Copy, ref state.Replies);
    }

    private static string? LowerEpochCounted(in Update update, in Handover before, in Handover after) =>
        update.From < before.Highest
        && (before.Copy != after.Copy
            || before.Replies.Count != after.Replies.Count
            || !StateSet<Receiver>.AreEqual(before.Receiver, after.Receiver))
            ? "I8: a message of a lower epoch had an effect"
            : null;

    private void Spoil(in Handover state, Steps<Handover> steps)
    {
        for (var fault = 0; fault < 4; fault++)
        {
            var next = state;
            if ((fault % 2 == 0 ? state.Updates.Count : state.Replies.Count) == 0)
                continue;
            switch (fault)
            {
                case 0 when state.Budget.Losses > 0:
                    next.Updates.Take(0);
                    next.Budget.Losses--;
                    Add(new Step(LinkStep.LoseUpdate), state, next, steps);
                    break;
                case 1 when state.Budget.Losses > 0:
                    next.Replies.Take(0);
                    next.Budget.Losses--;
                    Add(new Step(LinkStep.LoseReply), state, next, steps);
                    break;
                case 2 when state.Budget.Doubles > 0:
                    next.Updates.Double(late: true);
                    next.Budget.Doubles--;
                    Add(new Step(LinkStep.DoubleUpdateLate), state, next, steps);
                    break;
                case 3 when state.Budget.Doubles > 0:
                    next.Replies.Double(late: true);
                    next.Budget.Doubles--;
                    Add(new Step(LinkStep.DoubleReplyLate), state, next, steps);
                    break;
            }
        }
    }

    private void Add(Step step, in Handover before, in Handover next, Steps<Handover> steps, string? violated = null)
    {
        if (next.Updates.Count <= capacity && next.Replies.Count <= capacity)
            steps.Add(step, next, LinkModel.CopyWentBack(before.Copy, next.Copy) ?? violated);
    }
}
