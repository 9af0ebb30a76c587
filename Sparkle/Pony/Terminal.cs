using System.Text;
using Microsoft.Win32.SafeHandles;
using PonyCloud.Pony.Terminals;

namespace PonyCloud.Pony;

/// <summary>Where a command reads and writes, and what it knows of its surroundings. Tests put their own in its place.</summary>
internal sealed record Terminal
{
    public required TextReader Input { get; init; }

    public required TextWriter Output { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Whether somebody sits in front of it who can be asked.</summary>
    public bool IsInputTerminal { get; init; }

    public bool IsOutputTerminal { get; init; }

    public bool IsErrorTerminal { get; init; }

    /// <summary>Columns of the terminal; what goes elsewhere is not cut.</summary>
    public int Width { get; init; } = int.MaxValue;

    public required Func<string, string?> Variable { get; init; }

    /// <summary>Reads a line that is not shown while it is typed.</summary>
    public required Func<CancellationToken, Task<string>> ReadSecretAsync { get; init; }

    /// <summary>The bytes that come in, for what is no text; nobody reads <see cref="Input"/> then.</summary>
    public Func<Stream> OpenInput { get; init; } = static () => Stream.Null;

    /// <summary>Where bytes go that are no text; nobody writes to <see cref="Output"/> then.</summary>
    public Func<Stream> OpenOutput { get; init; } = static () => Stream.Null;

    /// <summary>Lets every key come in as it is, until the result is disposed of.</summary>
    public Func<IDisposable?> MakeRaw { get; init; } = static () => null;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public bool HasColors => IsOutputTerminal && string.IsNullOrEmpty(Variable("NO_COLOR")) && Variable("TERM") != "dumb";

    /// <summary>Those of the process.</summary>
    public static Terminal OfProcess() => new()
    {
        Input = Console.In,
        Output = Console.Out,
        Error = Console.Error,
        IsInputTerminal = !Console.IsInputRedirected,
        IsOutputTerminal = !Console.IsOutputRedirected,
        IsErrorTerminal = !Console.IsErrorRedirected,
        Width = Console.IsOutputRedirected ? int.MaxValue : Math.Max(40, Console.WindowWidth),
        Variable = Environment.GetEnvironmentVariable,
        // Not the console's own stream, which waits for whole lines.
        OpenInput = static () => new FileStream(new SafeFileHandle(0, ownsHandle: false), FileAccess.Read, bufferSize: 1),
        OpenOutput = Console.OpenStandardOutput,
        MakeRaw = static () => new RawMode(),
        // On a thread of its own: a key that never comes must not hold up Ctrl-C.
        ReadSecretAsync = cancellation => Task.Run(ReadSecret, CancellationToken.None).WaitAsync(cancellation),
    };

    private static string ReadSecret()
    {
        var text = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar))
                text.Append(key.KeyChar);
        }
        return text.ToString();
    }
}
