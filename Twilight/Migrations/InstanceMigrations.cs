using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Migrations;

/// <summary>The ways of instances in and out of this host, by libvirt's peer-to-peer migration; README.md says how.</summary>
public sealed partial class InstanceMigrations : IInstanceMigrations, IDisposable
{
    private readonly Guid _host;
    private readonly MigrationOptions _options;
    private readonly IHypervisor _hypervisor;
    private readonly IMigrationDoors _doors;
    private readonly MigrationConsoles _consoles;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<Guid, (MigrationProgress Progress, long? Rate)> _sending = new();

    public InstanceMigrations(
        Guid host, MigrationOptions options, IHypervisor hypervisor, IMigrationDoors doors, MigrationConsoles consoles, TimeProvider time,
        ILogger<InstanceMigrations> logger)
    {
        _host = host;
        _options = options;
        _hypervisor = hypervisor;
        _doors = doors;
        _consoles = consoles;
        _time = time;
        _logger = logger;
        Arrivals.Changed += RaiseChanged;
        Readers.Changed += RaiseChanged;
    }

    /// <inheritdoc/>
    public event Action? Changed;

    internal Arrivals Arrivals { get; } = new();

    /// <summary>Who may read what instances left behind.</summary>
    internal Arrivals Readers { get; } = new();

    /// <inheritdoc/>
    public MigrationView Of(Guid instance)
    {
        var isSending = _sending.TryGetValue(instance, out var sending);
        return new MigrationView(
            Arrivals.TicketOf(instance), Arrivals.IsOpen(instance), isSending ? sending.Progress : null, isSending ? sending.Rate : null)
        {
            ReadTicket = Readers.TicketOf(instance),
            IsRead = Readers.IsOpen(instance),
        };
    }

    /// <inheritdoc/>
    public void Expect(IReadOnlyDictionary<Guid, string> definitions)
    {
        if (definitions.Count > 0)
            MakeDirectory();
        Arrivals.Become(definitions);
    }

    /// <inheritdoc/>
    public void LetRead(IReadOnlySet<Guid> instances)
    {
        if (Readers.Become(instances.ToDictionary(instance => instance, _ => "")))
            RaiseChanged();
    }

    /// <inheritdoc/>
    public async Task SendAsync(MigrationOrder order, CancellationToken cancellationToken)
    {
        var instance = order.Instance;
        var door = order.Door ?? throw new MigrationException("Nobody said where it is to be sent.");
        var live = await _hypervisor.GetLiveXmlAsync(instance, cancellationToken);
        var arriving = ArrivingXml.Of(live, await DefinitionAsync(door, instance, cancellationToken), _host);
        var leaving = arriving.Mark with
        {
            Arriving = null,
            Leaving = order.Peer,
        };
        await _hypervisor.SetMarkAsync(leaving, cancellationToken);
        await using var console = await _consoles.BeginAsync(
            instance, cancellation => _doors.OpenAsync(door, instance, DoorWays.Console, cancellation), cancellationToken);
        await CopyAsync(instance, door, arriving, cancellationToken);
        // Before this host says that it has left: the guest does not go on without what it wrote before.
        await console.EndAsync(cancellationToken);
    }

    public void Dispose()
    {
        Arrivals.Changed -= RaiseChanged;
        Readers.Changed -= RaiseChanged;
        Arrivals.Dispose();
        Readers.Dispose();
    }

    private async Task CopyAsync(Guid instance, MigrationDoor door, ArrivingXml arriving, CancellationToken cancellationToken)
    {
        MakeDirectory();
        // Cut when they are disposed of: that ends what the hypervisor does not break off by itself.
        await using var hypervisor = Relay(instance, door, DoorWays.Hypervisor);
        await using var memory = Relay(instance, door, DoorWays.Memory);
        await using var disks = Relay(instance, door, DoorWays.Disks);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watching = WatchAsync(instance, ending.Token);
        try
        {
            await _hypervisor.MigrateAsync(
                instance,
                new MigrationTarget(_options.SocketOf(instance, DoorWays.Hypervisor), _options.SocketOf(instance, DoorWays.Memory), arriving.Xml)
                {
                    CopiedDisks = arriving.CopiedDisks,
                    Disks = _options.SocketOf(instance, DoorWays.Disks),
                },
                cancellationToken);
        }
        catch (HypervisorException exception) when ((hypervisor.LastFailure ?? memory.LastFailure ?? disks.LastFailure) is { } why)
        {
            throw new MigrationException($"{why} {exception.Message}", exception);
        }
        finally
        {
            await ending.CancelAsync();
            await watching;
            _sending.TryRemove(instance, out _);
        }
    }

    private SocketRelay Relay(Guid instance, MigrationDoor door, string way)
    {
        try
        {
            return new SocketRelay(
                _options.Seen(_options.SocketOf(instance, way)), cancellation => _doors.OpenAsync(door, instance, way, cancellation), _logger);
        }
        catch (IOException exception)
        {
            throw new MigrationException(exception.Message, exception);
        }
    }

    private async Task<string> DefinitionAsync(MigrationDoor door, Guid instance, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.DoorLimit);
        try
        {
            await using var stream = await _doors.OpenAsync(door, instance, DoorWays.Definition, limit.Token);
            var text = new MemoryStream();
            var buffer = new byte[4096];
            while (await stream.ReadAsync(buffer, limit.Token) is var count and > 0)
            {
                text.Write(buffer.AsSpan(0, count));
                if (text.Length > _options.DefinitionMax)
                    throw new MigrationException("The definition of the destination is too long.");
            }
            return Encoding.UTF8.GetString(text.GetBuffer().AsSpan(0, (int)text.Length));
        }
        catch (IOException exception)
        {
            throw new MigrationException(exception.Message, exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new MigrationException("The destination does not answer in time.", exception);
        }
    }

    /// <summary>Asks how far it has come. That it cannot be told does not matter to the sending.</summary>
    private async Task WatchAsync(Guid instance, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_options.LookAgainAfter, _time);
        (long Bytes, long At)? before = null;
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    if (await _hypervisor.GetMigrationAsync(instance, cancellationToken) is not { } progress)
                        continue;
                    var now = _time.GetTimestamp();
                    long? rate = before is { } last && progress.Bytes >= last.Bytes
                        ? (long)((progress.Bytes - last.Bytes) / Math.Max(_time.GetElapsedTime(last.At, now).TotalSeconds, 0.001))
                        : null;
                    before = (progress.Bytes, now);
                    _sending[instance] = (progress, rate);
                    RaiseChanged();
                }
                catch (HypervisorException exception)
                {
                    LogNotAsked(exception, instance);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The sending has ended.
        }
    }

    // One that is there stays as it is: where emulators have an account of their own, it must have been given to them.
    private void MakeDirectory() =>
        Directory.CreateDirectory(_options.Seen(_options.Directory), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    private void RaiseChanged() => Changed?.Invoke();

    [LoggerMessage(EventId = 3911, Level = LogLevel.Debug, Message = "How far instance {Instance} is sent cannot be told")]
    private partial void LogNotAsked(Exception exception, Guid instance);
}
