using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Contents;

/// <summary>Says on standard error how far something is: painted over on a terminal, else a line every so often.</summary>
internal sealed class ProgressLines(Session session)
{
    private static readonly TimeSpan PaintPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LinePause = TimeSpan.FromSeconds(10);

    private long? _last;
    private string? _shown;

    /// <summary>Whether it is painted over.</summary>
    public bool IsPainted => session.Terminal.IsErrorTerminal;

    /// <summary>Shows it, unless the last was shown just now.</summary>
    public void Show(Func<string> describe)
    {
        var time = session.Terminal.Time;
        if (_last is { } last && time.GetElapsedTime(last) < (IsPainted ? PaintPause : LinePause))
            return;
        _last = time.GetTimestamp();
        var text = describe();
        if (IsPainted)
            session.Progress.Show(text);
        else if (text != _shown)
            session.Terminal.Error.WriteLine("pony: " + Printable.Of(text));
        _shown = text;
    }
}
