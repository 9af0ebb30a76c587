using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>What nbdcopy reads from an export, as it comes. Disposing of it ends both.</summary>
internal sealed class NbdReadStream : Stream
{
    private readonly NbdExport _export;
    private readonly IStreamedTool _client;

    // What was read at the opening and nobody has taken: the first byte, which shows that there are more.
    private ReadOnlyMemory<byte> _first;

    private NbdReadStream(NbdExport export, IStreamedTool client)
    {
        _export = export;
        _client = client;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <param name="lease">The stream's from now on, even when this throws.</param>
    /// <exception cref="IOException">The node cannot be opened.</exception>
    public static async Task<Stream> OpenAsync(
        IToolStarter tools, string directory, IBlockLease lease, long offset, CancellationToken cancellationToken)
    {
        // A node may have sectors; what stands before the first byte that is wanted is read and dropped.
        var skip = (int)(offset % TransferLimits.Block);
        var export = await NbdExport.StartAsync(tools, directory, lease, offset - skip, isWritable: false, cancellationToken);
        NbdReadStream? stream = null;
        try
        {
            stream = new NbdReadStream(export, NbdExport.Start(tools, new ToolCall("nbdcopy", "--connections=1", "--", export.Uri, "-")));
            var beginning = new byte[skip + 1];
            await stream.ReadExactlyAsync(beginning, cancellationToken);
            stream._first = beginning.AsMemory(skip);
            return stream;
        }
        catch
        {
            if (stream is not null)
                await stream.DisposeAsync();
            else
                await export.DisposeAsync();
            throw;
        }
    }

    /// <exception cref="IOException">It did not come to its end.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_first.Length > 0 && buffer.Length > 0)
        {
            _first.CopyTo(buffer);
            _first = default;
            return 1;
        }
        // A read of a pipe cannot be interrupted; it ends when the other side is killed.
        var count = await _client.Output.ReadAsync(buffer, CancellationToken.None).AsTask().WaitAsync(cancellationToken);
        if (count == 0 && buffer.Length > 0)
            await EndAsync(cancellationToken);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _export.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task EndAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.EndAsync(cancellationToken);
        }
        catch (ToolException exception)
        {
            throw await _export.ExplainAsync(exception);
        }
    }
}
