using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Tests.Inventory;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>A running <see cref="HostReconciler"/> over the fake hypervisor, and what it reported so far.</summary>
internal sealed class ReconcilerBench : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly FakeMachine _machine = new();
    private readonly StateStore _desired = new(EntityCatalog.Load());
    private readonly StateStore _reported;
    private readonly HostReconciler _reconciler;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;

    public ReconcilerBench(bool isConnected = true, IInstanceCards? cards = null)
        : this(null, null, PlannerBench.Domains, isConnected, cards)
    {
    }

    public ReconcilerBench(IHypervisor hypervisor, TimeProvider time, DomainOptions domains, IInstanceCards? cards = null)
        : this(hypervisor, time, domains, isConnected: true, cards)
    {
    }

    private ReconcilerBench(IHypervisor? hypervisor, TimeProvider? time, DomainOptions domains, bool isConnected, IInstanceCards? cards = null)
    {
        if (!isConnected)
            Hypervisor.Disconnect("not connected yet");
        _reported = new StateStore(_desired.Catalog);
        Migrations = new FakeMigrations(hypervisor ?? Hypervisor);
        _reconciler = new HostReconciler(
            new HostReconcilerOptions { Host = PlannerBench.Host, Domains = domains },
            _desired.Catalog,
            hypervisor ?? Hypervisor,
            new HostInventory(PlannerBench.Host, _machine.Roots, AcceleratorChoice.Tcg),
            cards ?? new HostTaps(_machine.Sys),
            Disks,
            [new ConsoleFiles(domains, NullLogger<ConsoleFiles>.Instance), Forgotten],
            Migrations,
            time ?? Time,
            NullLoggerFactory.Instance);
        _running = _reconciler.RunAsync(_stopping.Token);
    }

    /// <summary>Unused when the bench was given another.</summary>
    public FakeHypervisor Hypervisor { get; } = new();

    public ManualTime Time { get; } = new();

    /// <summary>What there is for disks.</summary>
    public FakeDisks Disks { get; } = new();

    public FakeMigrations Migrations { get; }

    /// <summary>The instances of which nothing was to stay, in their order.</summary>
    public ForgottenInstances Forgotten { get; } = new();

    /// <summary>Instances whose removal was ordered by name; null for a controller that does not say.</summary>
    public HashSet<Guid>? Released { get; set; }

    public List<HostOutput.Notification> Notifications { get; } = [];

    /// <summary>The changes that were reported first.</summary>
    public IReadOnlyList<RowChange>? FirstReport { get; private set; }

    public HostCurrent? ReportedHost => (HostCurrent?)_reported.Snapshot[_desired.Catalog["host"]].Find(PlannerBench.Host)?.Current;

    public InstanceStatus? StatusOf(Guid instance) => RowOf(instance)?.Status;

    public HostInstanceCurrent? RowOf(Guid instance) => (HostInstanceCurrent?)_reported.Snapshot[_desired.Catalog["host_instance"]]
        .Find(RowKey.Of(PlannerBench.Host.ToString(), instance.ToString()))?.Current;

    public void Order(
        Guid instance, InstanceState? state, long mem = 512, int stopTimeout = 60, InstanceRestart restart = InstanceRestart.Always)
    {
        _desired.Apply(state is { } wanted
            ? PlannerBench.Wanted(_desired.Catalog, instance, wanted, mem, stopTimeout, restart: restart)
            :
            [
                RowChange.Remove(
                    _desired.Catalog["host_instance"], RowPart.Desired, RowKey.Of(PlannerBench.Host.ToString(), instance.ToString())),
                RowChange.Remove(_desired.Catalog["instance"], RowPart.Desired, RowKey.Of(instance)),
            ]);
        Send();
    }

    /// <summary>Changes the instance's row.</summary>
    public void Reorder(Guid instance, Func<InstanceDesired, InstanceDesired> change)
    {
        var row = (InstanceDesired)_desired.Snapshot[_desired.Catalog["instance"]].Find(instance)!.Desired!;
        _desired.Apply([RowChange.Set(_desired.Catalog["instance"], RowPart.Desired, change(row))]);
        Send();
    }

    public InstanceCard OrderCard(Guid instance, Guid vnic, int index = 0, VnicModel model = VnicModel.Virtio, VnicLink link = VnicLink.Up)
    {
        var row = PlannerBench.CardRow(instance, vnic, index, model, link);
        _desired.Apply([RowChange.Set(_desired.Catalog["vnic"], RowPart.Desired, row)]);
        Send();
        return InstanceCard.Of(row);
    }

    /// <summary>What the controller says of the move of an instance.</summary>
    public void OrderMove(Guid instance, MigrationRole role)
    {
        var row = new HostMigrationDesired
        {
            Host = PlannerBench.Host,
            Instance = instance,
            Role = role,
            Turn = Guid.NewGuid(),
            PeerHost = Guid.NewGuid(),
        };
        _desired.Apply([RowChange.Set(_desired.Catalog["host_migration"], RowPart.Desired, row)]);
        Send();
    }

    public void WithdrawMove(Guid instance)
    {
        _desired.Apply([RowChange.Remove(
            _desired.Catalog["host_migration"], RowPart.Desired, RowKey.Of(PlannerBench.Host.ToString(), instance.ToString()))]);
        Send();
    }

    /// <summary>The row of an instance that has its place elsewhere.</summary>
    public void OrderElsewhere(Guid instance)
    {
        _desired.Apply(PlannerBench.Wanted(_desired.Catalog, instance, InstanceState.Running)[..1]);
        Send();
    }

    public HostMigrationCurrent? MoveOf(Guid instance) => (HostMigrationCurrent?)_reported.Snapshot[_desired.Catalog["host_migration"]]
        .Find(RowKey.Of(PlannerBench.Host.ToString(), instance.ToString()))?.Current;

    public void OrderDisk(VdiskDesired row)
    {
        _desired.Apply([RowChange.Set(_desired.Catalog["vdisk"], RowPart.Desired, row)]);
        Send();
    }

    public void RemoveDisk(Guid vdisk)
    {
        _desired.Apply([RowChange.Remove(_desired.Catalog["vdisk"], RowPart.Desired, RowKey.Of(vdisk))]);
        Send();
    }

    public void RemoveCard(Guid vnic)
    {
        _desired.Apply([RowChange.Remove(_desired.Catalog["vnic"], RowPart.Desired, RowKey.Of(vnic))]);
        Send();
    }

    /// <summary>The machine of the bench gets the tap device of a card.</summary>
    public void AddTap(Guid vnic, int mtu = 1450)
    {
        _machine.Write($"sys/class/net/{LinkNames.Tap(vnic)}/tun_flags", "0x5102\n");
        _machine.Write($"sys/class/net/{LinkNames.Tap(vnic)}/mtu", $"{mtu}\n");
    }

    /// <summary>The controller that sends this has lost the instances: their rows are gone, and nobody ordered it.</summary>
    public void Forget(params Guid[] instances)
    {
        Released ??= [];
        _desired.Apply(instances.SelectMany(instance => new[]
        {
            RowChange.Remove(_desired.Catalog["host_instance"], RowPart.Desired, RowKey.Of(PlannerBench.Host.ToString(), instance.ToString())),
            RowChange.Remove(_desired.Catalog["instance"], RowPart.Desired, RowKey.Of(instance)),
        }));
        Send();
    }

    public void Confirm(string token)
    {
        _desired.Apply([RowChange.Set(
            _desired.Catalog["host"], RowPart.Desired, new HostDesired { Uuid = PlannerBench.Host, Name = "host", ConfirmRemovals = token })]);
        Send();
    }

    /// <summary>The controller's state reaches the host, whether or not it changed.</summary>
    public void Send() => _reconciler.DesiredChanged(_desired.Snapshot, Released?.ToHashSet());

    /// <summary>Reads what is reported until a condition holds.</summary>
    public async Task UntilAsync(string what, Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!holds())
        {
            try
            {
                Take(await _reconciler.Output.ReadAsync(limit.Token));
            }
            catch (OperationCanceledException)
            {
                throw new AssertionException($"Not reached: {what}. Calls: {string.Join(", ", Hypervisor.Calls)}");
            }
        }
    }

    /// <summary>Reads what is reported until a condition holds, and moves the clock whenever nothing comes.</summary>
    public async Task UntilQuietAsync(string what, Func<bool> holds)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!holds())
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
            patience.CancelAfter(TimeSpan.FromMilliseconds(20));
            try
            {
                Take(await _reconciler.Output.ReadAsync(patience.Token));
            }
            catch (OperationCanceledException) when (!limit.IsCancellationRequested)
            {
                Time.Advance(TimeSpan.FromSeconds(30));
            }
            catch (OperationCanceledException)
            {
                throw new AssertionException($"Not reached: {what}. Calls: {string.Join(", ", Hypervisor.Calls)}");
            }
        }
    }

    /// <summary>What an agent that has just come up would do.</summary>
    public HostPlan FreshPlan() => new HostPlanner(_desired.Catalog, PlannerBench.Host, PlannerBench.Domains).Plan(new PlannerInput
    {
        Desired = _desired.Snapshot,
        Scan = new DomainScan([.. Hypervisor.Domains.Values], new HashSet<Guid>()),
        Cards = FreshCards(),
        Memory = new Dictionary<Guid, InstanceMemory>(),
        InFlight = new Dictionary<Guid, InstanceAction>(),
        Now = TimeSpan.Zero,
    });

    internal sealed class ForgottenInstances : IInstancePreparation
    {
        private readonly ConcurrentQueue<Guid> _instances = [];

        public IReadOnlyList<Guid> Instances => [.. _instances];

        public Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken) => Task.CompletedTask;

        public void Forget(Guid instance) => _instances.Enqueue(instance);
    }

    private Dictionary<Guid, CardState> FreshCards()
    {
        var taps = new HostTaps(_machine.Sys);
        return new HostPlanner(_desired.Catalog, PlannerBench.Host, PlannerBench.Domains).CardsIn(_desired.Snapshot)
            .ToDictionary(vnic => vnic, taps.Of);
    }

    public Task UntilAsync(Guid instance, InstanceStatus? status) =>
        UntilAsync($"{instance} {status}", () => StatusOf(instance) == status);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Assert.That(async () => await _running, Throws.InstanceOf<OperationCanceledException>());
        await _reconciler.DisposeAsync();
        await Hypervisor.DisposeAsync();
        _stopping.Dispose();
        _machine.Dispose();
    }

    private void Take(HostOutput output)
    {
        switch (output)
        {
            case HostOutput.Rows rows:
                FirstReport ??= rows.Changes;
                _reported.Apply(rows.Changes);
                break;
            case HostOutput.Notification notification:
                Notifications.Add(notification);
                break;
        }
    }
}
