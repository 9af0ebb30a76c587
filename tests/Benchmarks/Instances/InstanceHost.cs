using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Http;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Inventory;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Benchmarks.Instances;

/// <summary>
/// The loop of a host's instances over a real libvirt, with rows that the benchmark orders. The instances run already when they are
/// ordered, as an agent finds them that comes back.
/// </summary>
internal sealed class InstanceHost : IAsyncDisposable
{
    private const int Memory = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly Guid Uuid = Guid.NewGuid();

    private readonly StateStore _desired = new(EntityCatalog.Load());
    private readonly StateStore _reported;
    private readonly DomainOptions _options;
    private readonly string _type;
    private readonly HostReconciler _reconciler;
    private readonly CancellationTokenSource _end = new();
    private readonly List<Guid> _instances = [];
    private readonly Task _running;
    private readonly Task _reading;
    private volatile Awaited? _awaited;
    private volatile PassTimes? _times;

    /// <param name="type">The type of libvirt's domains: <c>qemu</c>, or <c>test</c>.</param>
    public InstanceHost(string uri, DomainOptions options, string type)
    {
        _options = options;
        _type = type;
        _reported = new StateStore(_desired.Catalog);
        Hypervisor = new LibvirtHypervisor(new LibvirtOptions { Uri = uri }, TimeProvider.System, NullLogger<LibvirtHypervisor>.Instance);
        _reconciler = new HostReconciler(
            new HostReconcilerOptions
            {
                Host = Uuid,
                Domains = options,
                Server = PassEnds,
            },
            _desired.Catalog,
            Hypervisor,
            new HostInventory(Uuid, new InventoryRoots(), AcceleratorChoice.Tcg),
            new HostTaps("/sys"),
            new FakeDisks(),
            [],
            new FakeMigrations(Hypervisor),
            TimeProvider.System,
            NullLoggerFactory.Instance);
        _running = _reconciler.RunAsync(_end.Token);
        _reading = ReadAsync();
    }

    public LibvirtHypervisor Hypervisor { get; }

    /// <summary>Starts instances; ends when all are told as running. To be called once: the loop may know no orders before all are there.</summary>
    public async Task StartAsync(int count)
    {
        await UntilAsync(() => Hypervisor.Connection.IsConnected);
        var rows = new List<RowChange>();
        for (var i = 0; i < count; i++)
        {
            var row = Row(Guid.NewGuid(), InstanceState.Running);
            var definition = DomainXml.For(row, null, [], [], _options);
            await Hypervisor.DefineAsync(row.Uuid, definition.Xml.Replace("<domain type=\"qemu\"", $"<domain type=\"{_type}\"", StringComparison.Ordinal), _end.Token);
            _instances.Add(row.Uuid);
            await Hypervisor.StartAsync(row.Uuid, paused: false, _end.Token);
            rows.Add(RowChange.Set(_desired.Catalog["instance"], RowPart.Desired, row));
            rows.Add(RowChange.Set(_desired.Catalog["host_instance"], RowPart.Desired, new HostInstanceDesired { Host = Uuid, Instance = row.Uuid }));
        }
        _desired.Apply(rows);
        Send();
        await UntilAsync(() => _instances.All(instance => StatusOf(instance) == InstanceStatus.Running));
    }

    /// <summary>Makes passes, one right after the other, in which nothing has changed.</summary>
    /// <returns>Milliseconds of each.</returns>
    public async Task<IReadOnlyList<double>> PassesAsync(int count)
    {
        var times = new PassTimes(count);
        _times = times;
        Send();
        await times.Done.Task.WaitAsync(Patience);
        return times.Milliseconds;
    }

    /// <summary>Lets one instance stand still and go on again.</summary>
    /// <returns>Milliseconds from the order until it is told.</returns>
    public async Task<IReadOnlyList<double>> PausesAsync(int count)
    {
        var times = new List<double>();
        var instance = _instances[0];
        for (var i = 0; i < count; i++)
        {
            var (order, status) = i % 2 == 0 ? (InstanceState.Paused, InstanceStatus.Paused) : (InstanceState.Running, InstanceStatus.Running);
            var start = Stopwatch.GetTimestamp();
            _desired.Apply([RowChange.Set(_desired.Catalog["instance"], RowPart.Desired, Row(instance, order))]);
            Send();
            await UntilAsync(() => StatusOf(instance) == status);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }
        return times;
    }

    /// <summary>Ends the loop and removes the domains.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _reconciler.DisposeAsync();
        await _reading;
        foreach (var instance in _instances)
        {
            await Hypervisor.DestroyAsync(instance, CancellationToken.None);
            await Hypervisor.UndefineAsync(instance, CancellationToken.None);
        }
        await Hypervisor.DisposeAsync();
        _end.Dispose();
    }

    private static InstanceDesired Row(Guid uuid, InstanceState state) => new()
    {
        Uuid = uuid,
        Tenant = Guid.Empty,
        Name = $"i{uuid:N}",
        State = state,
        Mem = Memory,
    };

    private void Send() => _reconciler.DesiredChanged(_desired.Snapshot, null);

    private InstanceStatus? StatusOf(Guid instance) => ((HostInstanceCurrent?)_reported.Snapshot[_desired.Catalog["host_instance"]]
        .Find(RowKey.Of(Uuid.ToString(), instance.ToString()))?.Current)?.Status;

    /// <summary>The loop asks where the host serves at the end of each pass, before it reports.</summary>
    private HostServerIdentity? PassEnds()
    {
        if (_times?.Add(Stopwatch.GetTimestamp()) == true)
            Send();
        return null;
    }

    private async Task UntilAsync(Func<bool> holds)
    {
        var awaited = new Awaited(holds, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _awaited = awaited;
        awaited.Look();
        await awaited.Reached.Task.WaitAsync(Patience);
        _awaited = null;
    }

    private async Task ReadAsync()
    {
        await foreach (var output in _reconciler.Output.ReadAllAsync())
        {
            if (output is HostOutput.Rows rows)
                _reported.Apply(rows.Changes);
            _awaited?.Look();
        }
    }

    private sealed record Awaited(Func<bool> Holds, TaskCompletionSource Reached)
    {
        public void Look()
        {
            if (Holds())
                Reached.TrySetResult();
        }
    }

    /// <summary>Ends of passes; the first only begins the time of the next.</summary>
    private sealed class PassTimes(int count)
    {
        private readonly List<double> _milliseconds = [];
        private long? _last;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<double> Milliseconds => _milliseconds;

        /// <summary>Whether there is to be another pass.</summary>
        public bool Add(long now)
        {
            if (_milliseconds.Count == count)
                return false;
            if (_last is { } last)
                _milliseconds.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
            _last = now;
            if (_milliseconds.Count < count)
                return true;
            Done.TrySetResult();
            return false;
        }
    }
}
