using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Storage.Planning;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>Where and how volumes of other hosts are read.</summary>
public sealed record RemoteVolumesOptions
{
    /// <summary>For sockets of this process, and of no other. Its path must be short, since that of a socket is.</summary>
    public required string Directory { get; init; }

    /// <summary>So long nothing may come before the other host is asked whether it is still there; and so long it may take to answer.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Reads volumes that other hosts keep. Each connection that a tool makes to a socket here is a way through the door of the other host,
/// and behind that a server of its own, which speaks NBD.
/// </summary>
/// <remarks>
/// Silence alone says nothing: the tool may be busy writing. So whoever is silent is asked at its door; one that does not answer is given up.
/// </remarks>
public sealed class RemoteVolumes(IMigrationDoors doors, RemoteVolumesOptions options, TimeProvider time, ILogger<RemoteVolumes> logger)
{
    private readonly Lazy<string> _directory = new(() => SocketDirectory.MakeAnew(options.Directory));

    /// <param name="read">Reads it, by the node that it is given, until its token is cancelled.</param>
    /// <exception cref="StorageException">It cannot be read, or what <paramref name="read"/> threw.</exception>
    /// <exception cref="OperationCanceledException">Withdrawn.</exception>
    internal async Task ReadAsync(VolumeSource.Remote source, Func<BlockNode, CancellationToken, Task> read, CancellationToken cancellationToken)
    {
        var way = DoorWays.ContentOf(source.Content);
        var received = new Received();
        async Task<Stream> ConnectAsync(CancellationToken cancellation) =>
            new CountingStream(await doors.OpenAsync(source.Door, source.Instance, way, cancellation), received);

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var path = Path.Combine(_directory.Value, source.Content.ToString());
        await using var relay = Listen(path, ConnectAsync);
        var watching = WatchAsync(ConnectAsync, received, ending.Token);
        var reading = read(NodeOf(path), ending.Token);
        try
        {
            if (await Task.WhenAny(reading, watching) == watching)
                throw new StorageException(StorageFailure.Unreachable, $"{source.Door} is silent: {await watching}");
            await reading;
        }
        catch (StorageException exception) when (relay.LastFailure is { } why)
        {
            throw new StorageException(exception.Failure, $"It cannot be read at {source.Door}: {why} {exception.Message}", exception);
        }
        finally
        {
            await ending.CancelAsync();
            // Both have been told to end; what they throw then is of no interest to anybody.
            await Task.WhenAll(reading, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Ends with the reason why the other host is not waited for any longer.</summary>
    private async Task<string> WatchAsync(Func<CancellationToken, Task<Stream>> connect, Received received, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.Patience, time);
        for (var before = received.Count; await timer.WaitForNextTickAsync(cancellationToken); before = received.Count)
        {
            if (received.Count == before && await AskAsync(connect, cancellationToken) is { } why)
                return why;
        }
        throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Its server says a word as soon as it has opened the volume.</summary>
    /// <returns>Why it does not answer; null when it does.</returns>
    private async Task<string?> AskAsync(Func<CancellationToken, Task<Stream>> connect, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await using var stream = await connect(either.Token);
            return await stream.ReadAsync(new byte[1], either.Token) > 0 ? null : "It ends what is begun at its door.";
        }
        catch (IOException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"It has not answered for {options.Patience.TotalSeconds:0.###} seconds.";
        }
    }

    private SocketRelay Listen(string path, Func<CancellationToken, Task<Stream>> connect)
    {
        try
        {
            return new SocketRelay(path, connect, logger);
        }
        catch (IOException exception)
        {
            throw new StorageException(StorageFailure.Failed, exception.Message, exception);
        }
    }

    private static BlockNode NodeOf(string path) => new(new JsonObject
    {
        ["driver"] = "raw",
        ["file"] = new JsonObject
        {
            ["driver"] = "nbd",
            ["server"] = new JsonObject
            {
                ["type"] = "unix",
                ["path"] = path,
            },
        },
    })
    {
        Path = "the volume at its host",
    };

    /// <summary>How much came, over all connections.</summary>
    private sealed class Received
    {
        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public void Add(int count) => Interlocked.Add(ref _count, count);
    }

    private sealed class CountingStream(Stream inner, Received received) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await inner.ReadAsync(buffer, cancellationToken);
            received.Add(count);
            return count;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
