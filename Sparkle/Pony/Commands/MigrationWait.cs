using System.Globalization;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Contents;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Waits until an order to migrate is carried out, and shows how far it is. The order stands whether or not somebody waits.</summary>
internal static class MigrationWait
{
    private const int BarWidth = 24;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <param name="order">It goes when it is carried out or withdrawn; where the instance is then says which of both it was.</param>
    /// <exception cref="PonyException">It was withdrawn, or it took longer than allowed.</exception>
    public static async Task RunAsync(
        Session session, Location order, Location destination, string called, string host, TimeSpan limit, CancellationToken cancellation)
    {
        var time = session.Terminal.Time;
        var started = time.GetTimestamp();
        var lines = new ProgressLines(session);
        try
        {
            for (var pause = FirstPause; await FindAsync(session, order, cancellation) is { } row; pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause)
            {
                var current = row["current"];
                var left = limit - time.GetElapsedTime(started);
                if (left <= TimeSpan.Zero)
                    throw new PonyException(ExitCode.TimedOut, $"Not within {limit.TotalSeconds:0} s: {called} is {Describe(current, isPainted: false)}. The order stands.");
                lines.Show(() => $"{called} is {Describe(current, lines.IsPainted)}");
                await Task.Delay(left < pause ? left : pause, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new PonyException(ExitCode.Interrupted, $"No longer waiting for {called}. The order stands.");
        }
        session.Progress.Clear();
        var place = destination.Child(destination.Mount.Child("instance")!).Row(order.Keys[^1]);
        if ((await FindAsync(session, place, cancellation))?["desired"] is null)
            throw new PonyException(ExitCode.Different, $"The order was withdrawn, and {called} is not at {host}.");
        session.Terminal.Output.WriteLine($"instance {Printable.Of(called)} is at {Printable.Of(host)}");
    }

    private static async Task<JsonObject?> FindAsync(Session session, Location row, CancellationToken cancellation)
    {
        try
        {
            return (await session.GetAsync(row, cancellation)).Json;
        }
        catch (ProblemException exception) when (exception.Problem.Status == 404)
        {
            return null;
        }
    }

    private static string Describe(JsonNode? current, bool isPainted)
    {
        var status = Column.Text(current?[Column.Status]);
        var why = Column.Text(current?["why"]);
        var parts = new List<string> { status.Length == 0 ? "not begun yet" : status };
        if (Number(current, "progress") is { } percent)
            parts.Add((isPainted ? $"[{new string('#', (int)(BarWidth * percent / 100)).PadRight(BarWidth, '.')}] " : "") + string.Create(CultureInfo.InvariantCulture, $"{percent}%"));
        if (Number(current, "bytes") is { } bytes)
            parts.Add(ByteText.Of(bytes));
        if (Number(current, "rate") is { } rate)
            parts.Add(ByteText.Of(rate) + "/s");
        return string.Join(", ", parts) + (why.Length == 0 ? "" : $" ({why.TrimEnd('.')})");
    }

    private static long? Number(JsonNode? row, string name) =>
        row?[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;
}
