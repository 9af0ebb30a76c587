using System.Net.Sockets;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>The one client's end of an export, for somebody else to speak NBD over. Disposing of it ends the export.</summary>
internal sealed class NbdConnection : NetworkStream
{
    private readonly NbdExport _export;

    private NbdConnection(Socket socket, NbdExport export)
        : base(socket, ownsSocket: true) => _export = export;

    /// <param name="lease">The connection's from now on, even when this throws.</param>
    /// <exception cref="IOException">The export does not start.</exception>
    public static async Task<Stream> OpenAsync(IToolStarter tools, string directory, IBlockLease lease, CancellationToken cancellationToken)
    {
        var export = await NbdExport.StartAsync(tools, directory, lease, 0, isWritable: false, cancellationToken);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(export.Socket), cancellationToken);
            return new NbdConnection(socket, export);
        }
        catch (Exception exception)
        {
            socket.Dispose();
            await export.DisposeAsync();
            if (exception is SocketException)
                throw new IOException($"qemu-nbd does not take a connection: {exception.Message}", exception);
            throw;
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _export.DisposeAsync();
    }
}
