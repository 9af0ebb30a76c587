using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>What is on its way between a host and the controller: in order, as late as it likes, and gone when the connection is.</summary>
internal sealed class Link(ModelHost host)
{
    private readonly Queue<RowChange> _reports = [];
    private readonly Queue<ModelOrders> _orders = [];
    private Dictionary<(object Entity, string Key), RowChange> _said = [];
    private ModelOrders? _told;

    public ModelHost Host => host;

    public bool IsUp { get; set; } = true;

    public bool IsInStep { get; private set; }

    public void Cut()
    {
        IsInStep = false;
        _reports.Clear();
        _orders.Clear();
    }

    /// <summary>Both sides have said everything.</summary>
    public void Begin(IEnumerable<RowChange> said, ModelOrders told)
    {
        Cut();
        _said = said.ToDictionary(KeyOf);
        _told = told;
        _orders.Enqueue(told);
        IsInStep = true;
    }

    /// <summary>Puts what changed on its way, row by row.</summary>
    public void Ask(IEnumerable<RowChange> report, ModelOrders orders)
    {
        if (!Equals(orders, _told))
            _orders.Enqueue(orders);
        _told = orders;
        var now = report.ToDictionary(KeyOf);
        foreach (var (key, row) in now)
        {
            if (!_said.TryGetValue(key, out var before) || !Equals(before.Value, row.Value))
                _reports.Enqueue(row);
        }
        foreach (var (key, row) in _said)
        {
            if (!now.ContainsKey(key))
                _reports.Enqueue(row with { Value = null });
        }
        _said = now;
    }

    public RowChange? TakeReport() => _reports.TryDequeue(out var row) ? row : null;

    public ModelOrders? TakeOrders() => _orders.TryDequeue(out var orders) ? orders : null;

    private static (object, string) KeyOf(RowChange row) => (row.Entity, row.Key.Text);
}
