using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace PonyCloud.Simulation.Tests.Kernel;

/// <summary>What happened, in order: the last lines as text, and a hash over all of them.</summary>
/// <param name="kept">How many lines.</param>
internal sealed class Trace(VirtualTime time, int kept)
{
    private const ulong Prime = 1099511628211;

    private readonly Queue<string> _lines = [];

    /// <summary>FNV-1a over every line.</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    public void Say(ref DefaultInterpolatedStringHandler text)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{time.Elapsed.TotalSeconds,11:0.000000}  {text.ToStringAndClear()}");
        foreach (var letter in line)
            Hash = (Hash ^ letter) * Prime;
        _lines.Enqueue(line);
        if (_lines.Count > kept)
            _lines.Dequeue();
    }

    /// <summary>A body that was sent or received; counts in the hash and is named by its own.</summary>
    public void Body(string route, ReadOnlySpan<byte> body)
    {
        var hash = 14695981039346656037;
        foreach (var octet in body)
            hash = (hash ^ octet) * Prime;
        Say($"{route} {hash:x16} {Encoding.UTF8.GetString(body[..Math.Min(body.Length, 160)])}");
    }

    public override string ToString() => string.Join('\n', _lines);
}

/// <summary>Something that must never be the case was.</summary>
internal sealed class ViolationException(string message) : Exception(message);
