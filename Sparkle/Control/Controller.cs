using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Control;

/// <summary>
/// The state of the platform and what follows from each change to it. No task, no clock and no socket in here: the
/// control loop calls it with what happened, and a simulation can do the same.
/// </summary>
public sealed class Controller
{
    // A change that keeps causing changes would be a contradiction between features, not something to wait for.
    private const int MaxRounds = 16;

    private readonly StateStore _store;
    private readonly IReadOnlyList<IControlFeature> _features;
    private readonly OrderOverlay _overlay = new();
    private volatile StateSnapshot? _published;
    private long _epoch; // 0 for none.

    public Controller(EntityCatalog catalog, IEnumerable<IControlFeature> features)
    {
        _store = new StateStore(catalog);
        _features = [.. features];
    }

    /// <summary>What readers see: the newest settled state; null until the database was loaded.</summary>
    public StateSnapshot? Published => _published;

    /// <inheritdoc cref="IStateView.Epoch"/>
    public long? Epoch => Interlocked.Read(ref _epoch) is var epoch and > 0 ? epoch : null;

    /// <summary>The database's rows, all of them: what memory holds as desired beyond them is removed.</summary>
    /// <param name="rows">What was read after the epoch was taken.</param>
    /// <param name="epoch">What hosts are spoken to with from now on, the effects of this load included.</param>
    public void Load(IReadOnlyList<RowChange> rows, long epoch)
    {
        // It may have been raised while the rows were on their way.
        SetEpoch(Math.Max(epoch, Epoch ?? 0));
        var gone = Missing(rows);
        var shown = _overlay.Over(rows);
        Apply(gone.Count == 0 ? shown : [.. gone, .. shown], isReload: true);
    }

    /// <summary>The epoch was raised; or null, another controller has taken over.</summary>
    public void SetEpoch(long? epoch) => Interlocked.Exchange(ref _epoch, epoch ?? 0);

    /// <summary>One committed transaction.</summary>
    public void Commit(IReadOnlyList<DatabaseChange> changes)
    {
        var rows = new List<RowChange>(changes.Count);
        foreach (var change in changes)
        {
            switch (change)
            {
                case DatabaseChange.OfRow(var row):
                    rows.Add(_overlay.Over(row));
                    break;
                case DatabaseChange.Truncated(var entity):
                    var inserted = rows.Where(row => row.Entity == entity).Select(row => row.Key);
                    rows.AddRange([.. DesiredKeys(entity).Concat(inserted).Distinct().Select(key => _overlay.Over(RowChange.Remove(entity, RowPart.Desired, key)))]);
                    break;
            }
        }
        Apply(rows, isReload: false);
    }

    /// <inheritdoc cref="IOrderOverlay.PutAsync"/>
    public void Put(IReadOnlyList<LetGoOrder> orders) => Apply(
        [.. orders.Select(order => _overlay.Put(order, _store.Snapshot[order.Entity].Find(order.Key)?.Desired)).OfType<RowChange>()],
        isReload: false);

    /// <inheritdoc cref="IOrderOverlay.WithdrawAsync"/>
    public void Withdraw(LetGoOrder order, object row)
    {
        if (_overlay.Withdraw(order, row) is { } change)
            Apply([change], isReload: false);
    }

    /// <inheritdoc cref="IOrderOverlay.SettleAsync"/>
    public void Settle(LetGoOrder order) => _overlay.Settle(order);

    public void Receive(TransportEvent transportEvent) =>
        Apply([.. _features.SelectMany(feature => feature.Receive(transportEvent))], isReload: false);

    public void Tick(TimeSpan now) => Apply([.. _features.SelectMany(feature => feature.Tick(now))], isReload: false);

    /// <summary>Takes away what memory holds as desired beyond the rows.</summary>
    private List<RowChange> Missing(IReadOnlyList<RowChange> rows)
    {
        // The first load finds nothing to take away, and is the one that everybody waits for.
        var missing = new HashSet<(Entity, RowKey)>();
        foreach (var entity in _store.Catalog.All.Where(entity => entity.IsStored))
            missing.UnionWith(DesiredKeys(entity).Select(key => (entity, key)));
        if (missing.Count > 0)
            missing.ExceptWith(rows.Select(row => (row.Entity, row.Key)));
        return [.. missing.Select(row => RowChange.Remove(row.Item1, RowPart.Desired, row.Item2))];
    }

    private IEnumerable<RowKey> DesiredKeys(Entity entity) =>
        _store.Snapshot[entity].Rows.Where(row => row.Desired is not null).Select(row => row.Key);

    private void Apply(IReadOnlyList<RowChange> changes, bool isReload)
    {
        var sets = new List<ChangeSet>();
        for (var round = 0; changes.Count > 0; round++)
        {
            if (round == MaxRounds)
                throw new InvalidOperationException($"Changes to {changes[0].Entity} keep following from themselves.");
            var set = _store.Apply(changes) with { IsReload = isReload };
            if (set.IsEmpty)
                break;
            sets.Add(set);
            changes = [.. _features.SelectMany(feature => feature.Derive(set))];
        }
        if (sets.Count == 0 && !isReload)
            return;
        // Nothing is shown, nor acted upon, before the database is known: rows of hosts alone would look like a platform
        // in which nobody ordered anything.
        if (_published is null && !isReload)
            return;
        _published = _store.Snapshot;
        foreach (var set in sets)
        {
            foreach (var feature in _features)
                feature.Settled(set);
        }
    }
}
