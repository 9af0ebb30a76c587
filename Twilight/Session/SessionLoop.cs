using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Session;

/// <summary>The loop that owns the link to Sparkle: messages, the host's own changes and time come to it one at a time.</summary>
public sealed partial class SessionLoop(
    SparkleLink link,
    MessageCodec codec,
    IMessageTransport transport,
    EpochFile epochFile,
    IEnumerable<IHostReporter> reporters,
    SparkleSign sign,
    SessionOptions options,
    TimeProvider time,
    ILogger<SessionLoop> logger) : BackgroundService
{
    private readonly TurnQueue _queue = new(time);
    private readonly List<IHostReporter> _reporters = [.. reporters];
    private readonly JointReport _report = new(reporters);
    private long _desiredVersion;
    private string? _refusal;
    private bool _isReachable = true;
    private long? _keptEpoch = link.Epoch;

    /// <inheritdoc cref="TurnQueue.SinceLastTurn"/>
    public TimeSpan SinceLastTurn => _queue.SinceLastTurn;

    private TimeSpan Now => time.GetElapsedTime(0);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        TaskGroup.RunAsync(
            stoppingToken,
            [_queue.RunAsync, ReceiveAsync, TickAsync, .. _reporters.Select<IHostReporter, Func<CancellationToken, Task>>(
                reporter => cancellation => FollowAsync(reporter, cancellation))]);

    private async Task ReceiveAsync(CancellationToken cancellation)
    {
        await foreach (var transportEvent in transport.Events.ReadAllAsync(cancellation))
            await _queue.AddAsync(() => Handle(transportEvent), cancellation);
    }

    private async Task TickAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(options.Tick, time);
        while (await timer.WaitForNextTickAsync(cancellation))
            await _queue.AddAsync(() => Send(link.Tick(Now)), cancellation);
    }

    private async Task FollowAsync(IHostReporter reporter, CancellationToken cancellation)
    {
        await foreach (var output in reporter.Output.ReadAllAsync(cancellation))
        {
            await _queue.AddAsync(
                () => Send(output switch
                {
                    HostOutput.Rows(var rows) => _report.Take(reporter, rows) is { } changes ? link.CurrentChanged(changes, Now) : [],
                    HostOutput.Notification notification => link.Notify(ToWire(notification), Now),
                    _ => [],
                }),
                cancellation);
        }
    }

    private void Handle(TransportEvent transportEvent)
    {
        switch (transportEvent)
        {
            // Only Sparkle is listened to; nothing else can be at the other end of the connection.
            case TransportEvent.Received(var peer, var body, _) when peer == PeerId.Sparkle:
                if (!_isReachable)
                    LogReached();
                _isReachable = true;
                sign.Hear();
                var answers = link.Receive(body.Span, Now);
                KeepEpoch();
                Send(answers);
                Explain();
                Desire();
                break;
            case TransportEvent.Failed(_, var reason):
                if (_isReachable)
                    LogLost(reason);
                _isReachable = false;
                link.Undelivered(Now);
                break;
        }
    }

    private void Explain()
    {
        if (link.Refusal == _refusal)
            return;
        _refusal = link.Refusal;
        if (_refusal is null)
            LogTaken();
        else
            LogRefused(_refusal, options.KeyFingerprint);
    }

    /// <summary>Before anything that the new controller says is done: a successor of this process must know whom it obeys.</summary>
    private void KeepEpoch()
    {
        if (link.Epoch is not { } epoch || epoch == _keptEpoch)
            return;
        _keptEpoch = epoch;
        try
        {
            epochFile.Write(epoch);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogEpochNotKept(e, epoch);
        }
    }

    private void Desire()
    {
        if (!link.IsDesiredKnown || link.DesiredVersion == _desiredVersion)
            return;
        if (_desiredVersion == 0)
            LogDesiredKnown();
        _desiredVersion = link.DesiredVersion;
        foreach (var reconciler in _reporters.OfType<IHostReconciler>())
            reconciler.DesiredChanged(link.Replica, link.Released);
    }

    private void Send(IReadOnlyList<Message> messages)
    {
        foreach (var message in messages)
        {
            if (!transport.TrySend(PeerId.Sparkle, codec.Encode(message)))
                link.Undelivered(Now);
        }
    }

    private static Notification ToWire(HostOutput.Notification notification) => new(
        notification.Type,
        notification.Severity,
        notification.Instance,
        notification.Time,
        JsonText.From(JsonSerializer.SerializeToElement(new { text = notification.Text })));

    [LoggerMessage(2001, LogLevel.Information, "Sparkle has told what this host is to be.")]
    private partial void LogDesiredKnown();

    [LoggerMessage(2002, LogLevel.Warning, "Sparkle cannot be reached ({Reason}); the host goes on with what it knows.")]
    private partial void LogLost(Undelivered reason);

    [LoggerMessage(2004, LogLevel.Warning, "Sparkle does not take this machine for the host ({Reason}); the fingerprint of its key is {Fingerprint}. It goes on asking.")]
    private partial void LogRefused(string reason, string? fingerprint);

    [LoggerMessage(2005, LogLevel.Information, "Sparkle takes this machine for the host.")]
    private partial void LogTaken();

    [LoggerMessage(2006, LogLevel.Error, "Epoch {Epoch} could not be kept: if Twilight is started anew it may obey a controller that was superseded.")]
    private partial void LogEpochNotKept(Exception exception, long epoch);

    [LoggerMessage(2003, LogLevel.Information, "Sparkle is heard again.")]
    private partial void LogReached();
}
