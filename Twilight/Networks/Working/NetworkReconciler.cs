using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Rules;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Networks.Trials;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Networks.Working;

/// <summary>
/// Makes the host's network be as ordered, and reports what is. Each pass: look if something happened, end a trial if it is time,
/// lay out, filter, plan, carry out, serve, report.
/// </summary>
/// <remarks>
/// <see cref="RunAsync"/> is the one loop that owns all that changes here. Nothing is done before the first full state, but for a
/// trial that an agent before this one began.
/// </remarks>
public sealed partial class NetworkReconciler : IHostReconciler, IAsyncDisposable
{
    // What a notification says of what drifted.
    private const int StepsNamed = 5;

    private readonly NetworkReconcilerOptions _options;
    private readonly EntityCatalog _catalog;
    private readonly INetworkStack _stack;
    private readonly ILinkCounters _counters;
    private readonly FilterDesk _filter;
    private readonly IRouters _routers;
    private readonly SwitchServices _services;
    private readonly IRouteFinder _routes;
    private readonly TrialDesk _trials;
    private readonly SparkleSign _sign;
    private readonly HostCards _cards;
    private readonly SysfsNics _nics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ReconcilerLoop _loop;
    private readonly NetworkReport _report;
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private volatile StateSnapshot? _replica;
    private StateSnapshot? _read;
    private HostOrders? _ordered;
    private SwitchOrders _switches = SwitchOrders.None;
    private NetworkState? _actual;
    private volatile bool _isStale = true;
    private long _scanned;
    private long _counted;
    private long _served;
    private TimeSpan? _serveAgain;
    private IReadOnlyDictionary<string, LinkCounters> _counts = new Dictionary<string, LinkCounters>();
    private IReadOnlyDictionary<string, CardCounters> _dropped = new Dictionary<string, CardCounters>();
    private (HostOrders Orders, StateSnapshot? Replica)? _settled;
    private bool _hasReported;

    /// <exception cref="InvalidDataException">What an agent before this one left behind cannot be understood.</exception>
    public NetworkReconciler(
        NetworkReconcilerOptions options,
        EntityCatalog catalog,
        INetworkStack stack,
        ILinkCounters counters,
        IPacketFilter filter,
        ITrafficShaper shaper,
        IRouters routers,
        IEnumerable<ISwitchServices> services,
        IRouteFinder routes,
        TrialFile file,
        SparkleSign sign,
        HostCards cards,
        SysfsNics nics,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        _options = options;
        _catalog = catalog;
        _stack = stack;
        _counters = counters;
        _filter = new FilterDesk(filter, shaper);
        _routers = routers;
        _services = new SwitchServices([.. services]);
        _routes = routes;
        _sign = sign;
        _cards = cards;
        _trials = new TrialDesk(file, sign, options.Trial, options.Grace, time);
        _nics = nics;
        _time = time;
        _logger = loggers.CreateLogger<NetworkReconciler>();
        _report = new NetworkReport(catalog);
        _loop = new ReconcilerLoop("network", PassAsync, options.Loop, time, _logger);
    }

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    /// <remarks>A tap that a guest has open stays, whatever its row: so no guest loses its network because its row was forgotten.</remarks>
    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released)
    {
        _replica = replica;
        _loop.Wake("desired state changed");
    }

    /// <summary>Runs until cancelled. The network stays as it is then.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = ListenAsync(ending.Token);
        _sign.Heard += OnHeard;
        try
        {
            await _loop.RunAsync(cancellationToken);
        }
        finally
        {
            _sign.Heard -= OnHeard;
            await ending.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _output.Writer.TryComplete();
        }
    }

    public ValueTask DisposeAsync()
    {
        _output.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    private void OnHeard()
    {
        if (_trials.Book.Running is { IsGivenUp: false })
            _loop.Wake("Sparkle was heard");
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        await foreach (var _ in _stack.Events.ReadAllAsync(cancellationToken))
        {
            _isStale = true;
            _loop.Wake("the kernel's network changed");
        }
    }

    private async Task<ReconcileResult> PassAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        ReadOrders();
        await LookAsync(cancellationToken);
        await EndTrialAsync(cancellationToken);
        var troubles = new Troubles();
        NetworkLayout? layout = null;
        NetworkException? failure = null;
        if (_ordered is { } ordered)
        {
            _trials.Order(ordered);
            troubles.Refused(ordered, _trials.Book);
            var effective = _trials.Book.Effective(ordered);
            layout = NetworkLayout.Of(effective, _switches, _actual!, _trials.Book.Booted, _options.Host);
            try
            {
                layout = await CarryOutAsync(effective, layout, troubles, cancellationToken);
                await ServeAsync(layout, troubles, cancellationToken);
            }
            catch (NetworkException exception)
            {
                failure = exception;
                troubles.Failed(exception, layout, _switches);
            }
        }
        await CountAsync(cancellationToken);
        Publish(layout, troubles);
        return failure is null ? Next() : throw failure;
    }

    private void ReadOrders()
    {
        if (_replica is not { } replica || replica == _read)
            return;
        _read = replica;
        _ordered = HostOrders.Read(replica, _catalog, _options.Host);
        _switches = SwitchOrders.Read(replica, _catalog, _options.Host);
    }

    /// <summary>Looks at the kernel when there is a reason to, and not more often than the pause allows.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (_actual is not null && Since(_scanned) >= _options.ScanInterval)
            _filter.Doubt();
        else if (_actual is not null && !(_isStale && Since(_scanned) >= _options.ScanPause))
            return;
        await ScanAsync(cancellationToken);
    }

    private async Task ScanAsync(CancellationToken cancellationToken)
    {
        _isStale = false;
        _scanned = _time.GetTimestamp();
        try
        {
            _actual = await _stack.ScanAsync(cancellationToken);
        }
        catch (NetworkException)
        {
            _isStale = true;
            throw;
        }
    }

    private async Task EndTrialAsync(CancellationToken cancellationToken)
    {
        if (_trials.End() is not { } end)
            return;
        if (end.Worked)
        {
            LogTrialWorked();
            return;
        }
        var wanted = NetworkLayout.Of(_trials.Book.Confirmed, _switches, _actual!, end.Trial.BootedBefore, _options.Host).Wanted;
        if (_ordered is null)
            wanted = HostSteps.WithSwitchesAsTheyAre(wanted, _actual!);
        await ApplyAsync(NetworkPlanner.Plan(_actual!, wanted).Steps, cancellationToken);
        await ScanAsync(cancellationToken);
        // What somebody else had on the cards comes last: the platform's own had to be out of the way.
        await ApplyAsync([.. end.Trial.Before.Missing(_actual![NetworkState.Host])], cancellationToken);
        await ScanAsync(cancellationToken);
        Notify("network-rolled-back", EventSeverity.Error, _trials.RolledBack());
    }

    /// <summary>The filter comes before the links that it is for, and what passes the host before the uplinks.</summary>
    private async Task<NetworkLayout> CarryOutAsync(
        HostOrders effective, NetworkLayout layout, Troubles troubles, CancellationToken cancellationToken)
    {
        var booted = _trials.Book.Booted;
        var taken = HostSteps.TakenOver(effective, _actual![NetworkState.Host]);
        if (taken.Count > 0)
            booted = booted.Joined(taken);
        else if (_trials.Book.MayRetire(effective))
            booted = booted.Retired();
        if (booted != _trials.Book.Booted)
            layout = NetworkLayout.Of(effective, _switches, _actual, booted, _options.Host);
        if (await _routers.PrepareAsync(layout.Routing, cancellationToken) is { } why)
            throw new NetworkException($"What passes the host could not be ruled: {why}");
        await _filter.ApplyAsync(_switches, layout, cancellationToken);
        var plan = NetworkPlanner.Plan(_actual, layout.Wanted);
        foreach (var obstacle in plan.Obstacles)
            troubles.Obstructed(obstacle, layout);
        IReadOnlyList<NetworkStep> steps = [.. HostSteps.Releases(taken, _actual[NetworkState.Host]), .. plan.Steps];
        if (steps.Count > 0)
        {
            // What was taken over or retired was the platform's own decision.
            if (booted == _trials.Book.Booted)
                NoteDrift(effective, steps);
            await TryAsync(effective, booted, steps, cancellationToken);
            layout = NetworkLayout.Of(effective, _switches, _actual, booted, _options.Host);
        }
        else
        {
            _trials.Settle(effective, booted);
        }
        await _filter.ShapeAsync(_actual[NetworkState.Host], cancellationToken);
        _settled = (effective, _read);
        return layout;
    }

    /// <summary>Carries the steps out, as a trial if they touch the path to Sparkle.</summary>
    private async Task TryAsync(HostOrders effective, BootedNetwork booted, IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken)
    {
        LogSteps(steps);
        var isTrial = await TouchesPathAsync(steps, cancellationToken);
        if (isTrial)
        {
            LogTrialBegins(_options.Trial.TotalSeconds);
            _trials.Begin(effective, booted, _actual![NetworkState.Host]);
        }
        else
        {
            _trials.Settle(effective, booted);
        }
        await ApplyAsync(steps, cancellationToken);
        if (isTrial)
            _trials.Applied();
    }

    private async Task<bool> TouchesPathAsync(IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken)
    {
        // Asking costs a process.
        if (!steps.Any(HostSteps.AreHosts) || await _routes.FindAsync(cancellationToken) is not { } route)
            return false;
        var path = SparklePath.Of(route, _actual![NetworkState.Host]);
        return steps.Any(path.IsTouchedBy);
    }

    /// <summary>
    /// What was carried out is known without a look, so a change costs what it changes. The kernel's events then lead to a look that
    /// shows whether that was right.
    /// </summary>
    private async Task ApplyAsync(IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken)
    {
        if (steps.Count == 0)
            return;
        try
        {
            await _stack.ApplyAsync(steps, cancellationToken);
            var model = new KernelModel(_actual!);
            foreach (var step in steps)
                model.Apply(step);
            _actual = model.State;
        }
        catch (NetworkException)
        {
            _isStale = true;
            throw;
        }
    }

    private async Task ServeAsync(NetworkLayout layout, Troubles troubles, CancellationToken cancellationToken)
    {
        _served = _time.GetTimestamp();
        var routing = await _routers.ApplyAsync(layout.Routing, cancellationToken);
        var serving = await _services.ApplyAsync(layout.Services, cancellationToken);
        troubles.Routed(routing, layout.Routing);
        troubles.Served(serving);
        if (_filter.Why is { } why)
            troubles.Unfiltered(_switches, why);
        _serveAgain = new[] { routing.LookAgain, serving.LookAgain }.Min();
    }

    /// <summary>With the orders as they were when everything was made, whatever differs was done by somebody else.</summary>
    private void NoteDrift(HostOrders effective, IReadOnlyList<NetworkStep> steps)
    {
        if (_settled is not { } settled || settled.Orders != effective || settled.Replica != _read)
            return;
        // Taps go when their guests have closed them, which is no drift.
        var drift = steps.Where(step => step is not NetworkStep.RemoveLink { Link: var link } || !link.StartsWith("pct", StringComparison.Ordinal)).ToList();
        if (drift.Count > 0)
        {
            Notify("network-drift", EventSeverity.Warning,
                $"The network was changed by somebody else, and is put right: {string.Join("; ", drift.Take(StepsNamed))}{(drift.Count > StepsNamed ? "; …" : "")}");
        }
    }

    private async Task CountAsync(CancellationToken cancellationToken)
    {
        if (_switches.Vnics.Count == 0 || (_counts.Count > 0 && Since(_counted) < _options.CountInterval))
            return;
        _counted = _time.GetTimestamp();
        _counts = await _counters.ReadAsync(cancellationToken);
        _dropped = await _filter.CountAsync(cancellationToken);
    }

    private void Publish(NetworkLayout? layout, Troubles troubles)
    {
        var here = _actual![NetworkState.Host];
        var changes = _report.Become(new NetworkScene
        {
            Host = _options.Host,
            Ordered = _ordered ?? HostOrders.None,
            Switches = _switches,
            Layout = layout,
            Here = here,
            Failures = troubles.All,
            Notes = layout?.Notes ?? new Dictionary<NetworkSubject, string>(),
            Counters = _counts,
            Dropped = _dropped,
            Facts = _nics.Of,
        });
        if (changes.Count > 0 || !_hasReported)
            _output.Writer.TryWrite(new HostOutput.Rows(changes));
        _hasReported = true;
        if (layout is not null)
        {
            _cards.Become(_switches.Vnics.SelectMany(vnics => vnics).Select(vnic => KeyValuePair.Create(
                vnic.Uuid, CardOf(vnic, here.Links.GetValueOrDefault(LinkNames.Tap(vnic.Uuid)), layout, troubles))));
        }
    }

    private static CardState CardOf(VnicDesired vnic, Link? tap, NetworkLayout layout, Troubles troubles)
    {
        if (tap is { IsUp: true } && tap.Master == LinkNames.Bridge(vnic.Switch))
            return new CardState(CardReadiness.Ready, Mtu: layout.Mtus.GetValueOrDefault(vnic.Switch));
        var why = troubles.All.GetValueOrDefault(new NetworkSubject.Vnic(vnic.Uuid)) ?? troubles.All.GetValueOrDefault(new NetworkSubject.Switch(vnic.Switch));
        return why is null ? CardState.Unknown : new CardState(CardReadiness.Broken, why);
    }

    private ReconcileResult Next()
    {
        var at = new List<TimeSpan> { (_isStale ? _options.ScanPause : _options.ScanInterval) - Since(_scanned) };
        if (_trials.Left is { } left)
            at.Add(left);
        if (_switches.Vnics.Count > 0)
            at.Add(_options.CountInterval - Since(_counted));
        if (_serveAgain is { } again)
            at.Add(again - Since(_served));
        return new ReconcileResult(at.Min() > TimeSpan.Zero ? at.Min() : TimeSpan.Zero, "time is up");
    }

    private TimeSpan Since(long timestamp) => _time.GetElapsedTime(timestamp);

    private void Notify(string type, EventSeverity severity, string text)
    {
        LogTold(type, text);
        _output.Writer.TryWrite(new HostOutput.Notification(type, severity, null, _time.GetUtcNow(), text));
    }

    private void LogSteps(IReadOnlyList<NetworkStep> steps)
    {
        if (!_logger.IsEnabled(LogLevel.Debug))
            return;
        foreach (var step in steps)
            LogStep(step);
    }

    [LoggerMessage(EventId = 3501, Level = LogLevel.Debug, Message = "{Step}")]
    private partial void LogStep(NetworkStep step);

    [LoggerMessage(EventId = 3502, Level = LogLevel.Warning, Message = "The path to Sparkle changes: it has {Seconds} s to be heard, or what was before is put back.")]
    private partial void LogTrialBegins(double seconds);

    [LoggerMessage(EventId = 3503, Level = LogLevel.Information, Message = "Sparkle is heard over the changed path.")]
    private partial void LogTrialWorked();

    [LoggerMessage(EventId = 3504, Level = LogLevel.Warning, Message = "{Type}: {Text}")]
    private partial void LogTold(string type, string text);
}
