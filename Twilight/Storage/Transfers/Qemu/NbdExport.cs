using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Transfers.Qemu;

/// <summary>
/// A block node behind a socket, for one client: <c>qemu-nbd</c> ends when that goes, and brings all to the disk before.
/// Disposed of earlier, it is killed.
/// </summary>
internal sealed class NbdExport : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    // A server that is not at its end this long after its client is not what failed.
    private static readonly TimeSpan ExplainLimit = TimeSpan.FromSeconds(1);

    private readonly IStreamedTool _server;
    private readonly IBlockLease _lease;
    private readonly string _socket;

    private NbdExport(IStreamedTool server, IBlockLease lease, string socket)
    {
        _server = server;
        _lease = lease;
        _socket = socket;
    }

    public string Socket => _socket;

    public string Uri => $"nbd+unix:///?socket={System.Uri.EscapeDataString(_socket)}";

    /// <summary>Starts the server. It listens before it opens the node: that this cannot be opened, the client is told.</summary>
    /// <param name="directory">Where only root enters; for the socket.</param>
    /// <param name="lease">The export's from now on, even when this throws.</param>
    /// <exception cref="IOException">It did not start.</exception>
    public static async Task<NbdExport> StartAsync(
        IToolStarter tools, string directory, IBlockLease lease, long offset, bool isWritable, CancellationToken cancellationToken)
    {
        var socket = Path.Combine(directory, $"{Guid.NewGuid():N}.sock");
        // Zeros are kept as holes where the node has any.
        string[] access = isWritable ? ["--discard=unmap", "--detect-zeroes=unmap"] : ["--read-only"];
        string[] arguments = [.. lease.Node.Objects(), "--socket", socket, "--shared=1", .. access, lease.Node.From(offset)];
        NbdExport? export = null;
        try
        {
            export = new NbdExport(Start(tools, new ToolCall("qemu-nbd", arguments)), lease, socket);
            await export.UntilListeningAsync(cancellationToken);
            return export;
        }
        catch
        {
            await (export ?? (IAsyncDisposable)lease).DisposeAsync();
            throw;
        }
    }

    public static IStreamedTool Start(IToolStarter tools, ToolCall call)
    {
        try
        {
            return tools.Begin(call);
        }
        catch (ToolException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    /// <summary>Waits until the client's last word is on the disk, and the server has ended.</summary>
    /// <exception cref="IOException">It failed.</exception>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _server.EndAsync(cancellationToken);
        }
        catch (ToolException exception)
        {
            throw new IOException(exception.Message, exception);
        }
    }

    /// <summary>Why the client failed, as far as the server knows.</summary>
    public async Task<IOException> ExplainAsync(Exception failure)
    {
        using var limit = new CancellationTokenSource(ExplainLimit);
        try
        {
            await EndAsync(limit.Token);
        }
        catch (IOException known)
        {
            return known;
        }
        catch (OperationCanceledException)
        {
            // It runs on, so it is not what failed.
        }
        return new IOException(failure.Message, failure);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        File.Delete(_socket);
        await _lease.DisposeAsync();
    }

    /// <summary>To connect and see would be to be the one client, so the kernel is asked.</summary>
    private async Task UntilListeningAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartLimit);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                if (IsListening())
                    return;
                if (!_server.HasEnded)
                    continue;
                await EndAsync(either.Token);
                throw new IOException("qemu-nbd ended before anybody came.");
            }
            while (await timer.WaitForNextTickAsync(either.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"qemu-nbd did not listen within {StartLimit.TotalSeconds} seconds.");
        }
    }

    // The fields are of proc(5): address, references, protocol, flags, type, state, inode, path.
    private bool IsListening()
    {
        const string Listening = "00010000";
        return File.ReadLines("/proc/net/unix")
            .Any(line => line.EndsWith($" {_socket}", StringComparison.Ordinal) && line.Split(' ', 5) is [_, _, _, Listening, _]);
    }
}
