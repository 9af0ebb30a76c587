namespace PonyCloud.Pony.Output;

/// <summary>One line on standard error that says what is going on, and leaves nothing. Only on a terminal.</summary>
internal sealed class Progress(Terminal terminal)
{
    private bool _isShown;

    public void Show(string text)
    {
        if (!terminal.IsErrorTerminal)
            return;
        var line = Printable.Of(text);
        var width = Math.Min(terminal.Width, 120) - 1;
        terminal.Error.Write("\r\u001b[K" + (line.Length > width ? line[..width] : line));
        terminal.Error.Flush();
        _isShown = true;
    }

    public void Clear()
    {
        if (!_isShown)
            return;
        terminal.Error.Write("\r\u001b[K");
        terminal.Error.Flush();
        _isShown = false;
    }
}
