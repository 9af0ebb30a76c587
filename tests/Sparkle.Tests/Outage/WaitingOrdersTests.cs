using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Outage;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Outage;

/// <summary>How the journal is brought to a database that is back.</summary>
[TestFixture]
public sealed class WaitingOrdersTests : IOrderStore, IEventStore
{
    private readonly List<LetGoOrder> _written = [];
    private readonly List<Guid> _forgotten = [];
    private readonly List<EventDesired> _told = [];
    private readonly List<JournaledRequest> _kept = [];
    private Func<LetGoOrder, Task<OrderOutcome>> _decide = null!;
    private FakeDisk _disk = null!;
    private MemoryDatabase _memory = null!;
    private ManualTime _time = null!;
    private OrderJournal _journal = null!;
    private LetGoDesk _desk = null!;
    private WaitingOrders _waiting = null!;

    [SetUp]
    public void Make()
    {
        _written.Clear();
        _forgotten.Clear();
        _told.Clear();
        _kept.Clear();
        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Done());
        _disk = new FakeDisk();
        _memory = new MemoryDatabase(Orders.Catalog);
        _time = new ManualTime();
        _journal = Orders.Open(_disk);
        _desk = new LetGoDesk(_journal, _memory, _memory, Orders.Options, _time, NullLogger<LetGoDesk>.Instance);
        _waiting = new WaitingOrders(_desk, this, this, _memory, _memory, Orders.Options, _time, NullLogger<WaitingOrders>.Instance);
    }

    [TearDown]
    public void Dispose()
    {
        _waiting.Dispose();
        _desk.Dispose();
        _journal.Dispose();
    }

    Task<OrderOutcome> IOrderStore.WriteAsync(LetGoOrder order, CancellationToken cancellation)
    {
        _written.Add(order);
        return _decide(order);
    }

    Task IOrderStore.KeepAsync(JournaledRequest request, CancellationToken cancellation)
    {
        Assert.That(_written, Is.Empty, "A request is kept before its orders can be overtaken.");
        _kept.Add(request);
        return Task.CompletedTask;
    }

    Task IOrderStore.ForgetAsync(IReadOnlyList<Guid> orders, CancellationToken cancellation)
    {
        Assert.That(Orders.Ids(Orders.Open(_disk).Orders).Intersect(orders.Select(id => id.ToString())), Is.Empty, "The disk has to forget them first.");
        _forgotten.AddRange(orders);
        return Task.CompletedTask;
    }

    Task IEventStore.RecordAsync(IReadOnlyList<EventDesired> occurrences, CancellationToken cancellation)
    {
        _told.AddRange(occurrences);
        return Task.CompletedTask;
    }

    [Test]
    public async Task Every_order_is_written_and_then_forgotten_by_the_disk_and_by_the_database()
    {
        var orders = Take(3);

        await WriteAllAsync();

        Assert.That(Orders.Ids(_written), Is.EqualTo(Orders.Ids(orders)));
        Assert.That(_forgotten, Is.EquivalentTo(orders.Select(order => order.Id)));
        Assert.That(_journal.Orders, Is.Empty);
        Assert.That(_told, Is.Empty);
    }

    [Test]
    public async Task Rows_that_others_hold_stay_and_do_not_hold_up_the_load_for_long()
    {
        var orders = Take(10);
        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Held("busy"));

        await WriteAllAsync();

        Assert.That(_written, Has.Count.LessThan(5));
        Assert.That(Orders.Ids(Orders.Open(_disk).Orders), Is.EqualTo(Orders.Ids(orders)));
        Assert.That(orders.Select(Shown), Is.EqualTo(orders.Select(order => order.Record)), "They lie over what is loaded.");
        Assert.That(_forgotten, Is.Empty);
    }

    [Test]
    public async Task An_order_that_was_overtaken_is_told_and_not_tried_again()
    {
        var order = Take(1).Single();
        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Overtaken((InstanceDesired)order.Basis with { Mem = 17 }));

        await WriteAllAsync();
        await WriteAllAsync();

        Assert.That(_written, Has.Count.EqualTo(1));
        var told = _told.Single();
        Assert.That((told.Type, told.Instance), Is.EqualTo(("order-overtaken", (Guid?)((InstanceDesired)order.Record).Uuid)));
        Assert.That(told.Data!.Text, Does.Contain("owner@a.example").And.Contain("17"));
    }

    [Test]
    public async Task An_order_that_a_rule_refuses_is_taken_off_and_told()
    {
        var order = Take(1).Single();
        _memory.Put(order.Record);
        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Refused(order.Basis, "instance_never_stops"));

        await WriteAllAsync();

        Assert.That(Shown(order), Is.EqualTo(order.Basis));
        Assert.That(_told.Single().Type, Is.EqualTo("order-refused"));
        Assert.That(_told.Single().Data!.Text, Does.Contain("instance_never_stops"));
        Assert.That(_journal.Orders, Is.Empty);
    }

    [Test]
    public async Task A_database_that_fails_amid_them_finds_the_rest_of_them_again()
    {
        var orders = Take(3);
        _decide = order => order == orders[1] || order.Id == orders[1].Id
            ? Task.FromException<OrderOutcome>(new DatabaseUnavailableException("away again"))
            : Task.FromResult<OrderOutcome>(new OrderOutcome.Done());

        Assert.That(WriteAllAsync, Throws.TypeOf<DatabaseUnavailableException>());
        Assert.That(_forgotten, Is.Empty);
        Assert.That(Orders.Ids(Orders.Open(_disk).Orders), Is.EqualTo(Orders.Ids(orders)), "The disk is told when all is done.");

        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Done());
        await WriteAllAsync();

        Assert.That(Orders.Ids(_written.Skip(2)), Is.EqualTo(Orders.Ids(orders.Skip(1))));
        Assert.That(_forgotten, Is.EquivalentTo(orders.Select(order => order.Id)));
    }

    [Test]
    public async Task A_server_that_hangs_again_is_not_waited_for_without_end()
    {
        var order = Take(1).Single();
        var hangs = new TaskCompletionSource<OrderOutcome>();
        _decide = _ => hangs.Task;
        var writing = WriteAllAsync();
        await _time.WaitForTimerAsync(Orders.Options.WriteTimeout);
        _time.Advance(Orders.Options.WriteTimeout);
        Assert.That(() => writing, Throws.TypeOf<DatabaseUnavailableException>());
        Assert.That(_journal.Orders.Single().MayStand, Is.True);

        _decide = _ => Task.FromResult<OrderOutcome>(new OrderOutcome.Done());
        await WriteAllAsync();

        Assert.That(_forgotten, Is.EqualTo(new[] { order.Id }));
        hangs.SetException(new DatabaseUnavailableException("late"));
    }

    [Test]
    public async Task What_the_disk_cannot_forget_the_database_remembers()
    {
        var order = Take(1).Single();
        _disk.Healthy = 0;
        await WriteAllAsync();
        Assert.That(_forgotten, Is.Empty);

        _disk.Healthy = int.MaxValue;
        await WriteAllAsync();

        Assert.That(_forgotten, Is.EqualTo(new[] { order.Id }));
        Assert.That(_written, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_request_that_may_be_repeated_outlives_the_controller_and_is_kept_once()
    {
        var order = Orders.Stop();
        var request = new JournaledRequest(new RequestKey("owner@a.example", "k", "f"), "{}");
        _journal.Take([order], [], request);
        Assert.That(Orders.Open(_disk).Find(request.Key), Is.EqualTo(request));

        await WriteAllAsync();
        await WriteAllAsync();

        Assert.That(_kept, Is.EqualTo(new[] { request }));
        Assert.That(Orders.Open(_disk).Requests, Is.Empty);
    }

    private List<LetGoOrder> Take(int count)
    {
        List<LetGoOrder> orders = [.. Enumerable.Range(0, count).Select(_ => Orders.Stop())];
        foreach (var order in orders)
        {
            _memory.Put(order.Basis);
            _journal.Take([order], []);
        }
        return orders;
    }

    private object? Shown(LetGoOrder order) => _memory.Snapshot![order.Entity].Find(order.Key)?.Desired;

    private Task WriteAllAsync() => _waiting.WriteAllAsync(CancellationToken.None);
}
