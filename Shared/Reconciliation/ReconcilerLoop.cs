using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Reconciliation;

/// <summary>How a <see cref="ReconcilerLoop"/> keeps time.</summary>
public sealed record ReconcilerLoopOptions
{
    /// <summary>A pass is made at least this often, in case a wake-up was lost outside.</summary>
    public TimeSpan SafetyInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Delay before the next pass after passes that threw.</summary>
    public Backoff FailureBackoff { get; init; } = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
}

/// <summary>
/// One loop that makes things as they were ordered. Whatever happens only wakes it; each pass looks at the whole state
/// and never at the event. Wake-ups that come while a pass runs are gathered into the next one.
/// </summary>
/// <remarks>
/// The loop is the only caller of its pass, so what the pass owns needs no lock. <see cref="Wake"/> may be called from
/// any thread and never blocks.
/// </remarks>
public sealed partial class ReconcilerLoop
{
    /// <summary>The reason of a pass that nothing but the safety interval asked for.</summary>
    public const string SafetyReason = "safety interval";

    /// <summary>The reason of the pass after one that threw.</summary>
    public const string RetryReason = "retry after a failed pass";

    // Reasons are for the log: a caller that makes up ever new ones must not fill the memory.
    private const int ReasonsMax = 32;

    private readonly string _name;
    private readonly Func<IReadOnlyList<string>, CancellationToken, Task<ReconcileResult>> _pass;
    private readonly ReconcilerLoopOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly List<string> _reasons = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <param name="name">Names the loop in the log.</param>
    /// <param name="pass">Looks at everything and acts; gets the reasons of the wake-up, for the log only.</param>
    public ReconcilerLoop(
        string name,
        Func<IReadOnlyList<string>, CancellationToken, Task<ReconcileResult>> pass,
        ReconcilerLoopOptions options,
        TimeProvider time,
        ILogger logger)
    {
        _name = name;
        _pass = pass;
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <summary>Asks for a pass.</summary>
    /// <param name="reason">Why, for the log; one of few texts, without names of single things in it.</param>
    public void Wake(string reason)
    {
        AddReason(reason);
        _signal.Writer.TryWrite(true);
    }

    /// <summary>
    /// Makes a first pass, then one per wake-up, until cancelled. A pass that throws is logged and made again after a
    /// growing, bounded delay, or as soon as something wakes the loop.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled; the only way out.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        Wake("start");
        var failures = 0;
        var delay = _options.SafetyInterval;
        var delayReason = SafetyReason;
        while (true)
        {
            if (!await IsWokenAsync(delay, cancellationToken))
                AddReason(delayReason);
            var reasons = TakeReasons();
            LogWake(_name, reasons);
            try
            {
                var result = await _pass(reasons, cancellationToken);
                failures = 0;
                (delay, delayReason) = result.WakeAfter is { } after && after < _options.SafetyInterval
                    ? (after > TimeSpan.Zero ? after : TimeSpan.Zero, result.WakeReason ?? SafetyReason)
                    : (_options.SafetyInterval, SafetyReason);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                throw;
            }
#pragma warning disable CA1031 // Whatever a pass throws, the loop goes on: it is all that keeps the host as ordered.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failures++;
                delay = _options.FailureBackoff.DelayAfter(failures);
                delayReason = RetryReason;
                LogFailed(exception, _name, failures, delay.TotalSeconds);
            }
        }
    }

    private async Task<bool> IsWokenAsync(TimeSpan delay, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_signal.Reader.TryRead(out _))
            return true;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var woken = _signal.Reader.WaitToReadAsync(waiting.Token).AsTask();
        var due = Task.Delay(delay, _time, waiting.Token);
        var first = await Task.WhenAny(woken, due);
        await waiting.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return first == woken && _signal.Reader.TryRead(out _);
    }

    private void AddReason(string reason)
    {
        lock (_gate)
        {
            if (_reasons.Count < ReasonsMax && !_reasons.Contains(reason))
                _reasons.Add(reason);
        }
    }

    private List<string> TakeReasons()
    {
        lock (_gate)
        {
            var taken = _reasons.ToList();
            _reasons.Clear();
            // What woke the loop after the reasons were taken is looked at by the pass that begins now anyway, and the
            // signal that it left behind only leads to one more pass.
            return taken;
        }
    }

    [LoggerMessage(EventId = 1001, Level = LogLevel.Debug, Message = "{Loop}: woken by {Reasons}")]
    private partial void LogWake(string loop, IReadOnlyList<string> reasons);

    [LoggerMessage(EventId = 1002, Level = LogLevel.Error,
        Message = "{Loop}: pass failed, {Failures} in a row; the next one in {DelaySeconds} s")]
    private partial void LogFailed(Exception exception, string loop, int failures, double delaySeconds);
}
