using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Control;

/// <summary>The orders that lie over rows of the database. Owned by the control loop.</summary>
internal sealed class OrderOverlay
{
    private readonly Dictionary<(Entity, RowKey), Layer> _layers = [];

    /// <summary>What readers are to see when the database says this.</summary>
    public RowChange Over(RowChange change)
    {
        if (change.Part != RowPart.Desired || !_layers.TryGetValue((change.Entity, change.Key), out var layer))
            return change;
        if (!layer.IsSettled && change.Value is { } row && layer.Order.IsBasedOn(row))
            return change with { Value = layer.Order.Record };
        _layers.Remove((change.Entity, change.Key));
        return change;
    }

    /// <summary>
    /// What readers are to see when these are all rows of the database. Where one is not among them, there is nothing to
    /// lie over.
    /// </summary>
    public IReadOnlyList<RowChange> Over(IReadOnlyList<RowChange> rows)
    {
        // Nearly always, and then a load need not be looked through.
        if (_layers.Count == 0)
            return rows;
        var gone = _layers.Keys.ToHashSet();
        gone.ExceptWith(rows.Select(row => (row.Entity, row.Key)));
        foreach (var place in gone)
            _layers.Remove(place);
        return [.. rows.Select(Over)];
    }

    /// <param name="order">Lies over its row from now on.</param>
    /// <param name="shown">What readers see of the row; null where there is none.</param>
    /// <returns>What changes for readers; null for nothing.</returns>
    public RowChange? Put(LetGoOrder order, object? shown)
    {
        var before = _layers.GetValueOrDefault((order.Entity, order.Key));
        _layers[(order.Entity, order.Key)] = new Layer(order, IsSettled: false);
        return shown is not null && (order.IsBasedOn(shown) || shown.Equals(before?.Order.Record))
            ? new RowChange(order.Entity, order.Key, RowPart.Desired, order.Record)
            : null;
    }

    /// <inheritdoc cref="IOrderOverlay.WithdrawAsync"/>
    /// <returns>What changes for readers; null for nothing.</returns>
    public RowChange? Withdraw(LetGoOrder order, object row) =>
        Find(order) is not null && _layers.Remove((order.Entity, order.Key))
            ? new RowChange(order.Entity, order.Key, RowPart.Desired, row)
            : null;

    /// <inheritdoc cref="IOrderOverlay.SettleAsync"/>
    public void Settle(LetGoOrder order)
    {
        if (Find(order) is { } layer)
            _layers[(order.Entity, order.Key)] = layer with { IsSettled = true };
    }

    private Layer? Find(LetGoOrder order) =>
        _layers.GetValueOrDefault((order.Entity, order.Key)) is { } layer && layer.Order.Id == order.Id ? layer : null;

    private sealed record Layer(LetGoOrder Order, bool IsSettled);
}
