using PonyCloud.Shared.Hosting;

namespace PonyCloud.Twilight.Consoles;

/// <summary>The one connection to a serial port of QEMU, and all who look at it.</summary>
internal sealed class SerialPort(Stream port, ReadOnlyMemory<byte> before, ConsoleOptions options) : IAsyncDisposable
{
    private const int PartSize = 16 << 10;

    private readonly Lock _gate = new();
    private readonly HashSet<SerialViewer> _viewers = [];
    private readonly SemaphoreSlim _typing = new(1, 1);
    private readonly CancellationTokenSource _closing = new();
    private byte[] _tail = before.ToArray();
    private bool _isEnded;
    private Task _listening = Task.CompletedTask;

    /// <summary>How many hold it; the owner counts.</summary>
    public int Holders { get; set; }

    public bool IsEnded
    {
        get
        {
            lock (_gate)
                return _isEnded;
        }
    }

    public void Start() => _listening = ListenAsync();

    /// <summary>Shows the port to a viewer, and types what it sends, until either ends.</summary>
    /// <exception cref="IOException">The viewer is too slow, or a connection broke.</exception>
    public async Task ServeAsync(Stream viewer, CancellationToken cancellationToken)
    {
        var queue = Join();
        try
        {
            await TaskGroup.RunAsync(cancellationToken, ending => queue.SendAsync(viewer, ending), ending => TypeAsync(viewer, ending));
        }
        finally
        {
            lock (_gate)
                _viewers.Remove(queue);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await port.DisposeAsync();
        // However it ended, it has.
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _typing.Dispose();
        _closing.Dispose();
    }

    private SerialViewer Join()
    {
        var viewer = new SerialViewer(options.SerialBehindMax);
        lock (_gate)
        {
            viewer.Offer(_tail);
            if (_isEnded)
                viewer.End();
            else
                _viewers.Add(viewer);
        }
        return viewer;
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[PartSize];
        try
        {
            while (await port.ReadAsync(buffer, _closing.Token) is var count and > 0)
                Show(buffer.AsMemory(0, count).ToArray());
        }
        finally
        {
            lock (_gate)
            {
                _isEnded = true;
                foreach (var viewer in _viewers)
                    viewer.End();
            }
        }
    }

    private void Show(byte[] part)
    {
        lock (_gate)
        {
            byte[] all = [.. _tail, .. part];
            _tail = all[Math.Max(0, all.Length - options.SerialTail)..];
            foreach (var viewer in _viewers)
                viewer.Offer(part);
        }
    }

    private async Task TypeAsync(Stream viewer, CancellationToken cancellationToken)
    {
        var buffer = new byte[PartSize];
        while (await viewer.ReadAsync(buffer, cancellationToken) is var count and > 0)
        {
            // One after another, so that two who type do not cut into each other's keys.
            await _typing.WaitAsync(cancellationToken);
            try
            {
                await port.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
            finally
            {
                _typing.Release();
            }
        }
    }
}
