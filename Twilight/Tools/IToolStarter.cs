namespace PonyCloud.Twilight.Tools;

/// <summary>Starts external programs whose input and output are content, and not text.</summary>
public interface IToolStarter
{
    /// <summary>Starts it. Of the call only the program, its arguments and the accepted exit codes count.</summary>
    /// <exception cref="ToolException">It did not start.</exception>
    IStreamedTool Begin(ToolCall call);
}

/// <summary>A program that runs, and whose streams the caller has. Disposed of, it is killed with all that it started.</summary>
public interface IStreamedTool : IAsyncDisposable
{
    /// <summary>What it reads; closing it tells it that there is no more.</summary>
    Stream Input { get; }

    /// <summary>What it writes; ends when it does.</summary>
    Stream Output { get; }

    /// <summary>Whether it has ended by itself or otherwise.</summary>
    bool HasEnded { get; }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="ToolException">It failed; the message has the last that it said.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more; it still runs.</exception>
    Task EndAsync(CancellationToken cancellationToken);
}
