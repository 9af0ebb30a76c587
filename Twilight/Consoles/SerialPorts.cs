using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Consoles;

/// <summary>The serial ports that somebody looks at.</summary>
internal sealed class SerialPorts(DomainOptions domains, ConsoleLogs logs, ConsoleOptions options, TimeProvider time) : IDisposable
{
    private readonly Dictionary<Guid, SerialPort> _ports = [];
    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <returns>The port, to be given back; null when the instance is off.</returns>
    /// <exception cref="TimeoutException">QEMU does not accept.</exception>
    public async Task<SerialPort?> TakeAsync(Guid instance, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_ports.TryGetValue(instance, out var port) && !port.IsEnded)
            {
                port.Holders++;
                return port;
            }
            var stream = await UnixConnection.TryOpenAsync(domains.SerialSocketOf(instance), options.ConnectLimit, time, cancellationToken);
            if (stream is null)
                return null;
            port = new SerialPort(stream, await TailAsync(instance, cancellationToken), options) { Holders = 1 };
            port.Start();
            // One that has ended is disposed of by the last of its holders.
            _ports[instance] = port;
            return port;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async Task ReturnAsync(Guid instance, SerialPort port)
    {
        await _turn.WaitAsync(CancellationToken.None);
        try
        {
            if (--port.Holders > 0)
                return;
            if (_ports.GetValueOrDefault(instance) == port)
                _ports.Remove(instance);
            await port.DisposeAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<byte[]> TailAsync(Guid instance, CancellationToken cancellationToken)
    {
        using var part = logs.Open(instance, null, options.SerialTail);
        if (part is null)
            return [];
        var tail = new byte[part.End - part.Offset];
        return tail[..await part.Stream.ReadAtLeastAsync(tail, tail.Length, throwOnEndOfStream: false, cancellationToken)];
    }
}
