using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;
using PonyCloud.Sparkle.Tests.Outage;

namespace PonyCloud.Sparkle.Tests.Control;

/// <summary>What readers see of a row that an order lies over.</summary>
[TestFixture]
public sealed class OverlayTests
{
    private static readonly Entity Hosts = Orders.Catalog["host"];
    private static readonly HostDesired Present = new() { Uuid = Guid.NewGuid(), Name = "a" };
    private static readonly HostDesired Evacuated = Present with { State = HostState.Evacuated };
    private static readonly HostDesired Gone = Present with { State = HostState.Gone };
    private static readonly HostDesired Renamed = Present with { Name = "b" };

    private Controller _controller = null!;

    private object? Shown => _controller.Published![Hosts].Find(RowKey.Of(Present.Uuid))?.Desired;

    [SetUp]
    public void Load()
    {
        _controller = new Controller(Orders.Catalog, []);
        LoadRows(Present);
    }

    [Test]
    public void The_order_shows_until_the_database_says_otherwise()
    {
        _controller.Put([Order(Evacuated)]);
        Assert.That(Shown, Is.EqualTo(Evacuated));

        LoadRows(Present);
        Assert.That(Shown, Is.EqualTo(Evacuated), "The order has not been written yet.");

        LoadRows(Renamed);
        Assert.That(Shown, Is.EqualTo(Renamed), "Somebody else was quicker.");

        LoadRows(Present);
        Assert.That(Shown, Is.EqualTo(Present), "It does not come back.");
    }

    [Test]
    public void A_further_order_shows_over_the_first()
    {
        _controller.Put([Order(Evacuated)]);
        _controller.Put([Order(Gone)]);

        Assert.That(Shown, Is.EqualTo(Gone));
    }

    [Test]
    public void A_further_order_shows_over_the_first_that_came_through()
    {
        _controller.Put([Order(Evacuated)]);
        _controller.Put([Order(Gone) with { Through = [Evacuated] }]);

        Commit(Evacuated);

        Assert.That(Shown, Is.EqualTo(Gone));
    }

    [Test]
    public void Once_written_it_gives_way_to_whatever_comes_even_to_the_old_row()
    {
        var order = Order(Evacuated);
        _controller.Put([order]);
        _controller.Settle(order);
        Assert.That(Shown, Is.EqualTo(Evacuated), "The database has it, and will say so.");

        LoadRows(Present);

        Assert.That(Shown, Is.EqualTo(Present), "Somebody put the row back at once.");
    }

    [Test]
    public void What_is_withdrawn_shows_the_row_of_the_database()
    {
        var order = Order(Evacuated);
        _controller.Put([order]);

        _controller.Withdraw(order, Present);

        Assert.That(Shown, Is.EqualTo(Present));
    }

    [Test]
    public void What_ends_an_older_order_leaves_the_newer_one_alone()
    {
        var first = Order(Evacuated);
        _controller.Put([first]);
        _controller.Put([Order(Gone) with { Through = [Evacuated] }]);

        _controller.Settle(first);
        _controller.Withdraw(first, Present);
        Commit(Evacuated);

        Assert.That(Shown, Is.EqualTo(Gone));
    }

    [Test]
    public void An_order_of_an_earlier_run_lies_over_the_first_load()
    {
        _controller = new Controller(Orders.Catalog, []);
        _controller.Put([Order(Evacuated)]);
        Assert.That(_controller.Published, Is.Null, "An order shows nothing by itself.");

        LoadRows(Present);

        Assert.That(Shown, Is.EqualTo(Evacuated));
    }

    [Test]
    public void A_row_that_is_gone_stays_gone()
    {
        _controller.Put([Order(Evacuated)]);

        LoadRows();
        Assert.That(Shown, Is.Null);

        LoadRows(Present);
        Assert.That(Shown, Is.EqualTo(Present));
    }

    [Test]
    public void A_truncated_table_takes_its_orders_along()
    {
        _controller.Put([Order(Evacuated)]);

        _controller.Commit([new DatabaseChange.Truncated(Hosts)]);
        Commit(Present);

        Assert.That(Shown, Is.EqualTo(Present));
    }

    private static LetGoOrder Order(HostDesired record) =>
        new(Guid.NewGuid(), Hosts, RowKey.Of(Present.Uuid), Present, record, "a@b", null, DateTimeOffset.UnixEpoch);

    private void LoadRows(params HostDesired[] rows) =>
        _controller.Load([.. rows.Select(row => RowChange.Set(Hosts, RowPart.Desired, row))], 1);

    private void Commit(HostDesired row) =>
        _controller.Commit([new DatabaseChange.OfRow(RowChange.Set(Hosts, RowPart.Desired, row))]);
}
