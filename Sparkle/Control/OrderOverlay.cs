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

    /// <summary>All rows of the database are known anew; where one is not among them, there is nothing to lie over.</summary>
    public void Keep(IReadOnlySet<(Entity, RowKey)> rows)
    {
        foreach (var place in _layers.Keys.Where(place => !rows.Contains(place)).ToList())
            _layers.Remove(place);
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
