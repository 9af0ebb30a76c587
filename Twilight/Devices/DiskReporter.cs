using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.Replication;
using PonyCloud.Twilight.Devices.Health;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Devices;

public sealed record DiskReporterOptions
{
    /// <summary>The uuid of this host.</summary>
    public required Guid Host { get; init; }

    /// <summary>Loop devices that are attached count as disks.</summary>
    public bool AdmitsLoop { get; init; }

    /// <summary>A look at the devices that takes longer has failed.</summary>
    public TimeSpan ScanTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public HealthOptions Health { get; init; } = new();

    public ReconcilerLoopOptions Loop { get; init; } = new();
}

/// <summary>Reports the host's disks. Each pass: scan, judge, report; an event only wakes it.</summary>
/// <remarks><see cref="RunAsync"/> is the one loop that owns all that changes here.</remarks>
public sealed partial class DiskReporter : IHostReporter, IAsyncDisposable
{
    private readonly DiskReporterOptions _options;
    private readonly IDeviceMonitor _monitor;
    private readonly HealthWatch _health;
    private readonly ReconcilerLoop _loop;
    private readonly ReportedRows _rows;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private Dictionary<string, HostDiskCurrent>? _reported;
    private bool _isBlind;

    public DiskReporter(
        DiskReporterOptions options,
        EntityCatalog catalog,
        IDeviceMonitor monitor,
        IHealthProbe probe,
        IEntropy entropy,
        TimeProvider time,
        ILoggerFactory loggers)
    {
        _options = options;
        _monitor = monitor;
        _time = time;
        _logger = loggers.CreateLogger<DiskReporter>();
        _rows = new ReportedRows(catalog["host_disk"]);
        _loop = new ReconcilerLoop("disks", PassAsync, options.Loop, time, _logger);
        _health = new HealthWatch(
            probe, options.Health, time, entropy, () => _loop.Wake("health answered"), loggers.CreateLogger<HealthWatch>());
    }

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var listening = ListenAsync(ending.Token);
        try
        {
            await _loop.RunAsync(cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _health.DisposeAsync();
            _output.Writer.TryComplete();
        }
    }

    public ValueTask DisposeAsync()
    {
        _output.Writer.TryComplete();
        return _health.DisposeAsync();
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        await foreach (var happened in _monitor.Events.ReadAllAsync(cancellationToken))
            _loop.Wake(happened == DeviceEvent.Lost ? "device events were lost" : "devices changed");
    }

    private async Task<ReconcileResult> PassAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        IReadOnlyList<BlockDevice> devices;
        try
        {
            devices = await ScanAsync(cancellationToken);
        }
        catch (DeviceException exception)
        {
            BecomeBlind(exception);
            throw;
        }
        _isBlind = false;
        var disks = DiskInventory.Of(devices, _options.AdmitsLoop);
        var due = _health.Follow(disks);
        Report([.. disks.Select(Row)]);
        return new ReconcileResult(due, "health is due");
    }

    private async Task<IReadOnlyList<BlockDevice>> ScanAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(_options.ScanTimeout, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await _monitor.ScanAsync(stop.Token);
        }
        catch (OperationCanceledException exception) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new DeviceException($"No answer within {_options.ScanTimeout.TotalSeconds:0.###} s.", exception);
        }
    }

    private HostDiskCurrent Row(FoundDisk disk)
    {
        var health = _health.Of(disk.Id);
        return new HostDiskCurrent
        {
            Host = _options.Host,
            Disk = disk.Id,
            Status = disk.Status,
            Path = disk.Path,
            Size = disk.Size,
            Model = disk.Model,
            Rotational = disk.Rotational,
            Paths = disk.Paths,
            Why = disk.Why,
            Health = health.Health,
            HealthWhy = health.Why,
        };
    }

    private void Report(IReadOnlyList<HostDiskCurrent> rows)
    {
        var changes = _rows.Become(rows);
        if (_reported is null || changes.Count > 0)
            _output.Writer.TryWrite(new HostOutput.Rows(changes));
        var now = rows.ToDictionary(row => row.Disk);
        foreach (var gone in (_reported ?? []).Values.Where(before => !now.ContainsKey(before.Disk)))
            Notify("disk-gone", EventSeverity.Warning, $"{Describe(gone)} is gone.");
        foreach (var row in rows.Where(row => row.Health == DiskHealth.Failing))
        {
            if (_reported?.GetValueOrDefault(row.Disk)?.Health != DiskHealth.Failing)
                Notify("disk-failing", EventSeverity.Error, $"{Describe(row)}: {row.HealthWhy}");
        }
        _reported = now;
    }

    /// <summary>The host's report does not wait for devices that cannot be looked at.</summary>
    private void BecomeBlind(DeviceException exception)
    {
        if (_reported is null)
            Report([]);
        if (!_isBlind)
            Notify("devices-unseen", EventSeverity.Error, exception.Message);
        _isBlind = true;
    }

    private static string Describe(HostDiskCurrent disk) => disk.Path is null ? disk.Disk : $"{disk.Disk} ({disk.Path})";

    private void Notify(string type, EventSeverity severity, string text)
    {
        LogTold(type, text);
        _output.Writer.TryWrite(new HostOutput.Notification(type, severity, null, _time.GetUtcNow(), text));
    }

    [LoggerMessage(EventId = 2303, Level = LogLevel.Warning, Message = "{Type}: {Text}")]
    private partial void LogTold(string type, string text);
}
