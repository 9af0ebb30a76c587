using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>Gives nbdcopy what it writes to an export. Disposing of it ends both.</summary>
internal sealed class NbdWriter : IContentWriter
{
    private readonly NbdExport _export;
    private readonly IStreamedTool _client;

    private NbdWriter(NbdExport export, IStreamedTool client)
    {
        _export = export;
        _client = client;
    }

    /// <param name="lease">The writer's from now on, even when this throws.</param>
    /// <exception cref="IOException">The node cannot be opened.</exception>
    public static async Task<IContentWriter> OpenAsync(
        IToolStarter tools, string directory, IBlockLease lease, long offset, CancellationToken cancellationToken)
    {
        var export = await NbdExport.StartAsync(tools, directory, lease, offset, isWritable: true, cancellationToken);
        try
        {
            var call = new ToolCall("nbdcopy", "--connections=1", "--flush", "--", "-", export.Uri);
            return new NbdWriter(export, NbdExport.Start(tools, call));
        }
        catch
        {
            await export.DisposeAsync();
            throw;
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        try
        {
            // A write to a pipe cannot be interrupted; it ends when the other side is killed.
            await _client.Input.WriteAsync(data, CancellationToken.None).AsTask().WaitAsync(cancellationToken);
        }
        catch (IOException exception)
        {
            throw await _export.ExplainAsync(exception);
        }
    }

    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        _client.Input.Close();
        try
        {
            await _client.EndAsync(cancellationToken);
        }
        catch (ToolException exception)
        {
            throw await _export.ExplainAsync(exception);
        }
        await _export.EndAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        await _export.DisposeAsync();
    }
}
