using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Http;

namespace PonyCloud.Twilight.Migrations;

/// <summary>
/// Listens on a unix socket, and passes whatever connects to it on to where a function leads. Disposed of, it cuts all that it passes on.
/// </summary>
internal sealed partial class SocketRelay : IAsyncDisposable
{
    private readonly string _path;
    private readonly Func<CancellationToken, Task<Stream>> _connect;
    private readonly ILogger _logger;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _running;

    /// <exception cref="IOException">Nobody can listen there.</exception>
    public SocketRelay(string path, Func<CancellationToken, Task<Stream>> connect, ILogger logger)
    {
        _path = path;
        _connect = connect;
        _logger = logger;
        try
        {
            // What an agent before this one has left would be in the way.
            File.Delete(path);
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen();
        }
        catch (Exception exception) when (exception is SocketException or UnauthorizedAccessException or ArgumentException)
        {
            _listener.Dispose();
            throw new IOException($"Nobody can listen at {path}: {exception.Message}", exception);
        }
        _running = RunAsync();
    }

    /// <summary>Why the last connection that failed did; null when none has.</summary>
    public string? LastFailure { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _running;
        _listener.Dispose();
        File.Delete(_path);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        var relayed = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_ending.Token);
                relayed.RemoveAll(task => task.IsCompleted);
                relayed.Add(RelayAsync(socket));
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // The end of it.
        }
        await Task.WhenAll(relayed);
    }

    private async Task RelayAsync(Socket socket)
    {
        await using var near = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await using var far = await _connect(_ending.Token);
            await StreamJoin.RunAsync(near, far, _ending.Token);
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // Whoever connected here sees its connection end, and says what that means.
            if (!_ending.IsCancellationRequested)
                LastFailure = exception.Message;
            LogCut(_path, exception.Message);
        }
    }

    [LoggerMessage(EventId = 3901, Level = LogLevel.Debug, Message = "What came to {Path} was cut off: {Why}")]
    private partial void LogCut(string path, string why);
}
