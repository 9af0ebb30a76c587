using System.Globalization;

namespace PonyCloud.Pony.Contents;

/// <summary>How far a transfer is, how fast, and how long it still takes.</summary>
/// <param name="what">What is done, in a word.</param>
internal sealed class TransferProgress(Session session, string what)
{
    private const int BarWidth = 24;

    private readonly ProgressLines _lines = new(session);
    private readonly TimeProvider _time = session.Terminal.Time;
    private long _begun;
    private long _from;

    /// <summary>An attempt begins here. What an earlier one brought says nothing about how fast it is now.</summary>
    public void Begin(long from)
    {
        _begun = _time.GetTimestamp();
        _from = from;
    }

    /// <param name="done">Bytes that are there.</param>
    /// <param name="total">Bytes in all.</param>
    public void Show(long done, long total) => _lines.Show(() => Describe(done, total));

    private string Describe(long done, long total)
    {
        var part = total == 0 ? 1 : (double)done / total;
        var filled = (int)(BarWidth * part);
        var bar = _lines.IsPainted ? $"[{new string('#', filled)}{new string('.', BarWidth - filled)}] " : "";
        var seconds = _time.GetElapsedTime(_begun).TotalSeconds;
        var rate = seconds > 0 ? (done - _from) / seconds : 0;
        var percent = (int)(100 * part);
        return $"{what} {bar}{percent}% {ByteText.Of(done)} of {ByteText.Of(total)}, {ByteText.Of(rate)}/s{Left(total - done, rate)}";
    }

    private static string Left(long bytes, double rate)
    {
        if (rate <= 0 || bytes / rate > TimeSpan.FromDays(100).TotalSeconds)
            return "";
        var left = TimeSpan.FromSeconds(bytes / rate);
        return string.Create(CultureInfo.InvariantCulture, $", {(int)left.TotalHours}:{left.Minutes:00}:{left.Seconds:00} left");
    }
}
