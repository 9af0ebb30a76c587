using System.Text;

namespace PonyCloud.Pony.Tests;

/// <summary>What a command writes while a test looks on.</summary>
internal sealed class SharedWriter : TextWriter
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();

    public override Encoding Encoding => Encoding.UTF8;

    /// <summary>All of it so far.</summary>
    public string Text
    {
        get
        {
            lock (_lock)
                return _text.ToString();
        }
    }

    public override void Write(char value)
    {
        lock (_lock)
            _text.Append(value);
    }
}
