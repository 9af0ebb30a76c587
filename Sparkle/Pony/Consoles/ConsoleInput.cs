using System.Threading.Channels;

namespace PonyCloud.Pony.Consoles;

/// <summary>
/// What is typed, read on a thread of its own, since a key that never comes must hold nothing up. On a terminal Ctrl+] detaches, as it
/// does from virsh; from a file or a pipe every byte is sent.
/// </summary>
internal sealed class ConsoleInput(Stream input, bool isTerminal)
{
    /// <summary>Ctrl+].</summary>
    public const byte Escape = 0x1D;

    private const int PartSize = 4096;

    private readonly Channel<byte[]> _parts = Channel.CreateBounded<byte[]>(16);
    private readonly TaskCompletionSource _detached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was typed, until the input ends.</summary>
    public ChannelReader<byte[]> Parts => _parts.Reader;

    /// <summary>Completed when the person detaches.</summary>
    public Task Detached => _detached.Task;

    public void Start(CancellationToken cancellation) => new Thread(() => Read(cancellation)) { IsBackground = true, Name = "console input" }.Start();

    private void Read(CancellationToken cancellation)
    {
        var buffer = new byte[PartSize];
        try
        {
            while (!cancellation.IsCancellationRequested && input.Read(buffer, 0, buffer.Length) is var count and > 0)
            {
                var part = buffer.AsSpan(0, count);
                var escape = isTerminal ? part.IndexOf(Escape) : -1;
                if (escape >= 0)
                    part = part[..escape];
                // Waits while nobody takes it, which a pipe has to notice.
                if (part.Length > 0)
                    _parts.Writer.WriteAsync(part.ToArray(), cancellation).AsTask().GetAwaiter().GetResult();
                if (escape >= 0)
                {
                    _detached.TrySetResult();
                    return;
                }
            }
            _parts.Writer.TryComplete();
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ChannelClosedException)
        {
            // The terminal is gone, or the command: the input has ended.
            _parts.Writer.TryComplete();
        }
    }
}
