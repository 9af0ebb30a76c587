using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Follows what changes in the host's namespace, by <c>ip monitor</c>, which is started again when it ends.</summary>
/// <remarks>What it says is not understood: that it says something is the reason to look.</remarks>
internal sealed partial class NetworkMonitor : IAsyncDisposable
{
    private static readonly Backoff Pause = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    // It says nothing for hours, and so would not notice that nobody reads it any more. The end of its input is what ends it, and
    // that comes with the end of this process, however that ends.
    private const string Script =
        "exec 3<&0; ip -o monitor link address route </dev/null 3<&- & monitor=$!; cat <&3 >/dev/null & reader=$!; wait -n; kill \"$monitor\" \"$reader\" 2>/dev/null; wait \"$monitor\"";

    private static readonly ToolCall Call = new("bash", "-c", Script) { Timeout = Timeout.InfiniteTimeSpan };

    // One is enough: whoever reads it looks at everything.
    private readonly Channel<string> _events = Channel.CreateBounded<string>(new BoundedChannelOptions(1)
    {
        FullMode = BoundedChannelFullMode.DropOldest,
        SingleReader = false,
    });

    private readonly IToolStarter _starter;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lazy<Task> _loop;

    public NetworkMonitor(IToolStarter starter, TimeProvider time, ILogger logger)
    {
        _starter = starter;
        _time = time;
        _logger = logger;
        _loop = new Lazy<Task>(() => Task.Run(RunAsync));
    }

    /// <summary>Whoever asks for them begins it: not before the tools of an agent before this one have been ended.</summary>
    public ChannelReader<string> Events
    {
        get
        {
            _ = _loop.Value;
            return _events.Reader;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop.IsValueCreated)
            await _loop.Value;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            for (var failures = 0; ;)
            {
                var began = _time.GetTimestamp();
                var why = await FollowAsync();
                failures = _time.GetElapsedTime(began) > Pause.Max ? 1 : failures + 1;
                LogEnded(why, Pause.DelayAfter(failures));
                await Task.Delay(Pause.DelayAfter(failures), _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _events.Writer.TryComplete();
        }
    }

    /// <returns>Why it ended.</returns>
    private async Task<string> FollowAsync()
    {
        try
        {
            await using var tool = _starter.Begin(Call);
            using var lines = new StreamReader(tool.Output);
            // What changed before it was there nobody will say; and it does not say when it is.
            _events.Writer.TryWrite("The network is followed from now on.");
            await using var settled = _time.CreateTimer(_ => _events.Writer.TryWrite("The network is followed."), null, Settling, Timeout.InfiniteTimeSpan);
            while (await lines.ReadLineAsync(_stop.Token) is not null)
                _events.Writer.TryWrite("The network of the host changed.");
            await tool.EndAsync(_stop.Token);
            return "It ended.";
        }
        catch (Exception exception) when (exception is ToolException or IOException)
        {
            return exception.Message;
        }
    }

    [LoggerMessage(EventId = 3601, Level = LogLevel.Warning, Message = "ip monitor ended: {Why} It is started again in {Pause}.")]
    private partial void LogEnded(string why, TimeSpan pause);
}
