using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Waits until rows are as ordered, and shows meanwhile what they are. An order stands whether or not somebody waits.</summary>
internal static class StatusWait
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <param name="rows">What is waited for, with what people call it.</param>
    /// <param name="isReached">Whether a status is it.</param>
    /// <exception cref="PonyException">It took longer than allowed, or a row went away.</exception>
    public static async Task RunAsync(
        Session session, IReadOnlyList<(Location Row, string Called)> rows, Func<string, bool> isReached, TimeSpan limit, CancellationToken cancellation)
    {
        var time = session.Terminal.Time;
        var started = time.GetTimestamp();
        var pause = FirstPause;
        var waiting = rows.ToList();
        try
        {
            while (true)
            {
                var seen = new List<string>();
                foreach (var (row, called) in waiting.ToList())
                {
                    var status = await LookAsync(session, row, called, cancellation);
                    if (isReached(status.Name))
                    {
                        waiting.Remove((row, called));
                        session.Progress.Clear();
                        session.Terminal.Output.WriteLine($"{row.Mount.Entity.Name} {Printable.Of(called)} is {Printable.Of(status.Name)}");
                    }
                    else
                    {
                        seen.Add($"{called} is {status}");
                    }
                }
                var elapsed = time.GetElapsedTime(started);
                if (waiting.Count == 0)
                    return;
                if (elapsed >= limit)
                    throw new PonyException(ExitCode.TimedOut, $"Not within {limit.TotalSeconds:0} s: {string.Join("; ", seen)}. The order stands.");
                session.Progress.Show($"{string.Join("; ", seen)} … {elapsed.TotalSeconds:0} s");
                await Task.Delay(pause < limit - elapsed ? pause : limit - elapsed, time, cancellation);
                pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause;
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new PonyException(ExitCode.Interrupted, $"No longer waiting for {string.Join(", ", waiting.Select(row => row.Called))}. The order stands.");
        }
    }

    private static async Task<Status> LookAsync(Session session, Location row, string called, CancellationToken cancellation)
    {
        try
        {
            var current = (await session.GetAsync(row, cancellation)).Json["current"];
            return new Status(Column.Text(current?[Column.Status]), Column.Text(current?["why"]));
        }
        catch (ProblemException exception) when (exception.Problem.Status == 404)
        {
            throw new PonyException(ExitCode.NotFound, $"{called} was deleted meanwhile.", exception);
        }
    }

    private sealed record Status(string Name, string Why)
    {
        public override string ToString() => (Name.Length == 0 ? "not reported yet" : Name) + (Why.Length == 0 ? "" : $" ({Why})");
    }
}
