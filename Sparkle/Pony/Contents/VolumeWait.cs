using System.Globalization;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Contents;

/// <summary>Waits until a volume is ready, or it is told that it will not be. The work goes on whether or not somebody waits.</summary>
internal static class VolumeWait
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>What does not pass by itself.</summary>
    private static readonly string[] Ends = ["broken", "lost", "absent"];

    /// <param name="called">What people call the volume.</param>
    /// <param name="limit">Null to wait for as long as it takes.</param>
    /// <exception cref="PonyException">It will not be ready, it took longer than allowed, or it went away.</exception>
    public static async Task RunAsync(Session session, Location volume, string called, TimeSpan? limit, CancellationToken cancellation)
    {
        var time = session.Terminal.Time;
        var started = time.GetTimestamp();
        var lines = new ProgressLines(session);
        try
        {
            for (var pause = FirstPause; ; pause = pause * 1.5 < LongestPause ? pause * 1.5 : LongestPause)
            {
                var seen = await LookAsync(session, volume, called, cancellation);
                if (seen.IsReady)
                    break;
                if (Ends.Contains(seen.Status))
                    throw new PonyException(ExitCode.Different, $"{called} is {seen}.");
                var left = limit - time.GetElapsedTime(started);
                if (left <= TimeSpan.Zero)
                {
                    throw new PonyException(
                        ExitCode.TimedOut, $"Not within {limit!.Value.TotalSeconds:0} s: {called} is {seen}. The work goes on.");
                }
                lines.Show(() => $"{called} is {seen}");
                await Task.Delay(left < pause ? left.Value : pause, time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new PonyException(ExitCode.Interrupted, $"No longer waiting for {called}. The work goes on.");
        }
        session.Progress.Clear();
        session.Terminal.Output.WriteLine($"volume {Printable.Of(called)} is ready");
    }

    private static async Task<Seen> LookAsync(Session session, Location volume, string called, CancellationToken cancellation)
    {
        try
        {
            return Seen.Of((await session.GetAsync(volume, cancellation)).Json);
        }
        catch (ProblemException exception) when (exception.Problem.Status == 404)
        {
            throw new PonyException(ExitCode.NotFound, $"{called} was deleted meanwhile.", exception);
        }
    }

    /// <summary>What a row says.</summary>
    private sealed record Seen(string Status, bool IsMade, string Why, IReadOnlyList<string> Work)
    {
        // Right after the order for another content the host may still speak of the one before.
        public bool IsReady => Status == "ready" && IsMade;

        public static Seen Of(JsonObject row)
        {
            var current = row["current"];
            var work = new List<string>();
            if (Number(current, "progress") is { } percent)
                work.Add(string.Create(CultureInfo.InvariantCulture, $"{percent}%"));
            if (Number(current, "bytes") is { } bytes)
                work.Add(ByteText.Of(bytes));
            if (Number(current, "rate") is { } rate)
                work.Add(ByteText.Of(rate) + "/s");
            var content = Column.Text(row["desired"]?["content"]);
            return new Seen(Column.Text(current?[Column.Status]), content is "made" or "", Column.Text(current?["why"]), work);
        }

        public override string ToString()
        {
            var status = Status switch
            {
                "" => "not reported yet",
                "ready" when !IsMade => "to have another content",
                _ => Status,
            };
            return string.Join(", ", Work.Prepend(status)) + (Why.Length == 0 ? "" : $" ({Why.TrimEnd('.')})");
        }

        private static long? Number(JsonNode? row, string name) =>
            row?[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;
    }
}
