using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Hosting;

/// <summary>
/// Tells systemd when the daemon is ready, what it does, that it is alive, and that it stops (sd_notify). Does nothing
/// where nobody listens.
/// </summary>
public sealed partial class SystemdNotifier(
    SystemdEnvironment environment,
    DaemonHealth health,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<SystemdNotifier> logger) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan SendTimeout = TimeSpan.FromSeconds(2);

    // A host that is stopped directly, rather than by a signal, tells ApplicationStopping only after StoppingAsync.
    private readonly CancellationTokenSource _ending = new();

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Comes before any service is stopped, also when the daemon stops before this one ran.</summary>
    async Task IHostedLifecycleService.StoppingAsync(CancellationToken cancellationToken)
    {
        if (environment.NotifySocket is not { } name)
            return;
        // Whatever the loop still says must not come after the last word.
        await _ending.CancelAsync();
        if (ExecuteTask is { } loop)
            await loop.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var socket = NewSocket();
        await SendAsync(socket, AddressOf(name), "STOPPING=1", CancellationToken.None);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (environment.NotifySocket is not { } name)
            return;
        using var socket = NewSocket();
        var address = AddressOf(name);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(lifetime.ApplicationStopping, _ending.Token);
        var stopping = ending.Token;
        var statuses = FollowStatusAsync(socket, address, stopping);
        try
        {
            await health.Ready.WaitAsync(stopping);
            await SendAsync(socket, address, "READY=1", stopping);
            await FeedWatchdogAsync(socket, address, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await statuses;
        }
    }

    public override void Dispose()
    {
        _ending.Dispose();
        base.Dispose();
    }

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

    private static UnixDomainSocketEndPoint AddressOf(string name) => new(name[0] == '@' ? '\0' + name[1..] : name);

    private async Task FollowStatusAsync(Socket socket, UnixDomainSocketEndPoint address, CancellationToken stopping)
    {
        try
        {
            await foreach (var status in health.Statuses.ReadAllAsync(stopping))
                await SendAsync(socket, address, "STATUS=" + status, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The daemon stops, and says so itself.
        }
    }

    private async Task FeedWatchdogAsync(Socket socket, UnixDomainSocketEndPoint address, CancellationToken stopping)
    {
        if (environment.WatchdogTimeout is not { } timeout)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stopping);
            return;
        }
        using var timer = new PeriodicTimer(timeout / 2, time);
        do
        {
            if (health.Failing() is { Count: > 0 } failing)
                LogNotAlive(logger, string.Join(", ", failing));
            else
                await SendAsync(socket, address, "WATCHDOG=1", stopping);
        }
        while (await timer.WaitForNextTickAsync(stopping));
    }

    private async Task SendAsync(Socket socket, UnixDomainSocketEndPoint address, string message, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        limit.CancelAfter(SendTimeout);
        try
        {
            await socket.SendToAsync(Encoding.UTF8.GetBytes(message), SocketFlags.None, address, limit.Token);
        }
        catch (SocketException error)
        {
            LogNotSent(logger, error, message);
        }
        catch (OperationCanceledException error) when (!stopping.IsCancellationRequested)
        {
            LogNotSent(logger, error, message);
        }
    }

    [LoggerMessage(EventId = 1200, Level = LogLevel.Warning, Message = "systemd does not take {Message}")]
    private static partial void LogNotSent(ILogger logger, Exception error, string message);

    [LoggerMessage(EventId = 1201, Level = LogLevel.Error, Message = "Not alive, so the watchdog is not fed: {Checks}")]
    private static partial void LogNotAlive(ILogger logger, string checks);
}
