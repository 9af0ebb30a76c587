using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// What one Twilight process is sent of the desired state. It remembers what it sent and sends the difference to what is,
/// so however often a row changes while the host is slow to read, only its newest version goes out, and nothing queues up.
/// </summary>
internal sealed class DesiredFeed(string host, string incarnation, ScopeResolver scopes, RowHasher hasher, ReplicationLimits limits)
{
    private readonly ReplicationSender _sender = new(incarnation);

    // The rows that the host has if it received everything.
    private Dictionary<(Entity Entity, RowKey Key), object> _sent = [];
    private StateDigest _digest;

    /// <summary>Whether something changed that could not be told when it did.</summary>
    public bool IsBehind { get; private set; }

    /// <summary>The exchange with this process is complete: it may be told.</summary>
    public void Open() => _sender.BecomeReady();

    /// <summary>Something was not delivered: what the host misses will be in the full state that it asks for.</summary>
    public void Break()
    {
        if (_sender.State is not SenderState.NotReady)
            _sender.DropStream(ready: true);
    }

    /// <summary>Whether a request is to be answered.</summary>
    public bool Accepts(StreamId? request) => _sender.Accepts(request);

    /// <summary>Everything that the host is to have.</summary>
    /// <param name="withdrawn">Rows that the host may still act upon and that were taken from it by an order.</param>
    public IReadOnlyList<StateMessage> Snapshot(StateSnapshot state, StreamId? request, int window, IEnumerable<RowChange> withdrawn)
    {
        _sent = scopes.RowsOf(state, host);
        IsBehind = false;
        var rows = _sent.Select(row => new RowChange(row.Key.Entity, row.Key.Key, RowPart.Desired, row.Value));
        var full = FullState.Cut([.. rows, .. withdrawn.Where(row => !_sent.ContainsKey((row.Entity, row.Key)))], hasher, limits);
        _digest = full.Digest;
        return _sender.Snapshot(request, window, full.Chunks, full.Digest);
    }

    /// <summary>What changed since it was last told; null when nothing did, or when it has to wait.</summary>
    /// <param name="wasOrdered">Whether it was an order that took a row away, and not just a row that is missing.</param>
    public StateUpdate? Changes(StateSnapshot state, Func<Entity, RowKey, bool> wasOrdered)
    {
        IsBehind = !_sender.TakesChanges;
        if (IsBehind)
            return null;
        var changes = Difference(state, wasOrdered);
        return changes is { Count: 0 } ? null : Told(changes);
    }

    /// <summary>
    /// What leaves changed, when nothing else did since it was last told: found by what the host has, without a look at
    /// everything. Null when that is nothing, or when it has to wait.
    /// </summary>
    /// <param name="leaves">Rows of entities for which <see cref="ScopeResolver.IsLeaf"/> holds.</param>
    public StateUpdate? Leaves(IReadOnlyList<RowTransition> leaves)
    {
        IsBehind |= !_sender.TakesChanges;
        if (IsBehind)
            return null;
        var step = new Step(hasher, _digest);
        foreach (var leaf in leaves)
        {
            var row = (leaf.Entity, leaf.Key);
            var after = leaf.After?.Desired is { } desired && scopes.StemOf(leaf.Entity, desired) is { } stem && _sent.ContainsKey(stem) ? desired : null;
            var before = _sent.GetValueOrDefault(row);
            if (Equals(before, after))
                continue;
            step.Add(leaf.Entity, leaf.Key, before, after);
            if (after is null)
                _sent.Remove(row);
            else
                _sent[row] = after;
        }
        _digest = step.Digest;
        return step.Changes.Count == 0 ? null : Told(step.FitsIn(limits) ? step.Changes : null);
    }

    /// <summary>What <see cref="Changes"/> says, and with nothing changed an empty update that tells that Sparkle lives.</summary>
    public StateUpdate? KeepAlive(StateSnapshot state, Func<Entity, RowKey, bool> wasOrdered) => _sender.State switch
    {
        // Looking at everything again also finds what a change failed to point out.
        SenderState.Streaming when _sender.TakesChanges => Told(Difference(state, wasOrdered)),
        _ => _sender.Partial([]),
    };

    /// <summary>The host has taken something; the rest of a full state follows.</summary>
    public IReadOnlyList<StateMessage> Acknowledged(Acknowledgement taken) => _sender.Acknowledged(taken);

    /// <param name="changes">Null when they cannot be told as such.</param>
    private StateUpdate? Told(List<RowChange>? changes)
    {
        if (changes is null)
        {
            Break();
            return _sender.Partial([]); // Greets anew, and the host asks for a full state.
        }
        return _sender.Partial(changes, _digest);
    }

    private List<RowChange>? Difference(StateSnapshot state, Func<Entity, RowKey, bool> wasOrdered)
    {
        var rows = scopes.RowsOf(state, host);
        var step = new Step(hasher, _digest);
        var common = 0;
        foreach (var ((entity, key), row) in rows)
        {
            if (!_sent.TryGetValue((entity, key), out var sent))
            {
                step.Add(entity, key, null, row);
                continue;
            }
            common++;
            if (!ReferenceEquals(sent, row) && !sent.Equals(row))
                step.Add(entity, key, sent, row);
        }
        if (common < _sent.Count)
        {
            foreach (var ((entity, key), sent) in _sent)
            {
                if (rows.ContainsKey((entity, key)))
                    continue;
                if (!wasOrdered(entity, key))
                    return null;
                step.Add(entity, key, sent, null);
            }
        }
        if (!step.FitsIn(limits))
            return null;
        _sent = rows;
        _digest = step.Digest;
        return step.Changes;
    }

    /// <summary>From what the host has to what it is to have.</summary>
    private sealed class Step(RowHasher hasher, StateDigest digest)
    {
        private long _bytes;

        public List<RowChange> Changes { get; } = [];

        public StateDigest Digest { get; private set; } = digest;

        public bool FitsIn(ReplicationLimits limits) => _bytes <= limits.MessageBytes || Changes.Count <= 1;

        public void Add(Entity entity, RowKey key, object? before, object? after)
        {
            var change = new RowChange(entity, key, RowPart.Desired, after);
            Changes.Add(change);
            if (before is not null)
                Digest = Digest.Without(hasher.Hash(change with { Value = before }));
            if (after is null)
                return;
            var hash = hasher.Hash(change);
            Digest = Digest.With(hash);
            _bytes += hash.Bytes;
        }
    }
}
