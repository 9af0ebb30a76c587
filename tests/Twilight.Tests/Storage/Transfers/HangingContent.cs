using System.Net;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

/// <summary>A body that stops in the middle, until the connection goes.</summary>
internal sealed class HangingContent(ReadOnlyMemory<byte> beginning, long length) : HttpContent
{
    private readonly TaskCompletionSource _hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completed when the beginning is sent.</summary>
    public Task Hangs => _hangs.Task;

    /// <summary>The sender goes.</summary>
    public void Cut() => _end.TrySetException(new IOException("cut"));

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(beginning, cancellationToken);
        await stream.FlushAsync(cancellationToken);
        _hangs.TrySetResult();
        await _end.Task.WaitAsync(cancellationToken);
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        _end.TrySetException(new IOException("disposed"));
        base.Dispose(disposing);
    }
}
