using System.Buffers;

namespace PonyCloud.Shared.Http;

/// <summary>Makes one of two two-way streams.</summary>
public static class StreamJoin
{
    private const int BufferSize = 64 << 10;

    /// <summary>
    /// Passes bytes both ways until either stream ends or fails: then both have ended, and whoever called disposes of them.
    /// Whoever takes slowly makes the other one wait; nothing is held but a buffer each way.
    /// </summary>
    /// <exception cref="IOException">One of them broke.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static async Task RunAsync(Stream one, Stream other, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] ways = [PassAsync(one, other, ending.Token), PassAsync(other, one, ending.Token)];
        var first = await Task.WhenAny(ways);
        await ending.CancelAsync();
        await Task.WhenAll(ways).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    private static async Task PassAsync(Stream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        while (await from.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            await to.FlushAsync(cancellationToken);
        }
        // Not after a failure: a read that was given up may still fill it.
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
