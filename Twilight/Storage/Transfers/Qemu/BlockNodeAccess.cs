using System.Globalization;
using System.Text;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>Reads, writes and empties block nodes by QEMU's own tools, so that every kind of storage that QEMU knows is one.</summary>
/// <param name="directory">
/// For sockets of this process, and of no other; made for root alone. Its path must be short, since that of a socket is.
/// </param>
/// <remarks>A lease that is handed in is disposed of here, when the tools have ended or at once.</remarks>
public sealed class BlockNodeAccess(IToolStarter starter, IToolRunner runner, string directory)
{
    private readonly Lazy<string> _directory = new(() => SocketDirectory.MakeAnew(directory));

    // The most that QEMU takes in one request, rounded down.
    private const long EraseStep = 1L << 30;

    /// <summary>Opens a node for reading from a byte on.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public Task<Stream> OpenReadAsync(IBlockLease lease, long offset, CancellationToken cancellationToken) =>
        NbdReadStream.OpenAsync(starter, _directory.Value, lease, offset, cancellationToken);

    /// <summary>A connection to a server of its own that lets a node be read, by NBD; it ends with the stream.</summary>
    /// <exception cref="IOException">The server does not start.</exception>
    public Task<Stream> ServeAsync(IBlockLease lease, CancellationToken cancellationToken) =>
        NbdConnection.OpenAsync(starter, _directory.Value, lease, cancellationToken);

    /// <summary>Opens a node for writing from a byte on, a multiple of <see cref="TransferLimits.Block"/>.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public Task<IContentWriter> OpenWriteAsync(IBlockLease lease, long offset, CancellationToken cancellationToken) =>
        NbdWriter.OpenAsync(starter, _directory.Value, lease, offset, cancellationToken);

    /// <summary>Makes the first bytes zero, as holes where the node has any.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task EraseAsync(IBlockLease lease, long bytes, CancellationToken cancellationToken)
    {
        await using var held = lease;
        var commands = new StringBuilder();
        for (var offset = 0L; offset < bytes; offset += EraseStep)
            commands.AppendLine(CultureInfo.InvariantCulture, $"write -z -u {offset} {Math.Min(EraseStep, bytes - offset)}");
        commands.AppendLine("flush");
        var call = new ToolCall("qemu-io", [.. lease.Node.Objects(), "--discard=unmap", lease.Node.ToFileName()])
        {
            Input = commands.ToString(),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        try
        {
            await runner.RunAsync(call, cancellationToken);
        }
        catch (ToolException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }
}
