using System.Diagnostics;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// GETs at a fixed pace, whether the one before was answered or not, each timed from when it was due: a server that
/// stalls is charged for all that would have come meanwhile.
/// </summary>
internal sealed class PacedReads : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);

    private readonly HttpClient _http;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly List<double> _times = [];
    private readonly Task _running;
    private int _refused;

    private PacedReads(HttpClient http, IReadOnlyList<Uri> paths)
    {
        _http = http;
        _running = RunAsync(paths);
    }

    /// <param name="paths">Asked for in turns.</param>
    public static PacedReads Start(HttpClient http, IReadOnlyList<Uri> paths) => new(http, paths);

    /// <summary>How many were answered by anything but success, or not at all.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Ends it when all that were begun are answered.</summary>
    /// <returns>Milliseconds of each answered one.</returns>
    public async Task<IReadOnlyList<double>> EndAsync()
    {
        await _end.CancelAsync();
        await _running;
        return _times;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        _end.Dispose();
    }

    private async Task RunAsync(IReadOnlyList<Uri> paths)
    {
        using var timer = new PeriodicTimer(Pace);
        var reads = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; !_end.IsCancellationRequested; i++)
        {
            var due = start + (long)(i * Pace.TotalSeconds * Stopwatch.Frequency);
            // A late timer does not thin out the reads: those that are overdue go out at once.
            if (Stopwatch.GetTimestamp() < due)
                await timer.WaitForNextTickAsync(CancellationToken.None);
            reads.Add(ReadAsync(paths[i % paths.Count], due));
        }
        await Task.WhenAll(reads);
    }

    private async Task ReadAsync(Uri path, long due)
    {
        try
        {
            using var answer = await _http.GetAsync(path);
            answer.EnsureSuccessStatusCode();
            lock (_lock)
                _times.Add(Stopwatch.GetElapsedTime(due).TotalMilliseconds);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Interlocked.Increment(ref _refused);
        }
    }
}
