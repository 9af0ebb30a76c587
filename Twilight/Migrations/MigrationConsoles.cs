using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Consoles;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Migrations;

/// <summary>
/// The log of a console goes with its instance: what the source keeps of it, and what the guest writes up to its last moment there.
/// <code>
///   source ── offset (8 bytes), length (4), so many bytes ──►   again and again; each where the one before ended, or further on where
///                                                               that is not kept any more
///          ── offset, length 0 ──►  that was all
///          ◄── one byte ──          it is kept
/// </code>
/// Numbers are big-endian. What came is in a file of its own until the instance is about to go on (<see cref="ConsoleFiles"/>).
/// </summary>
public sealed partial class MigrationConsoles
{
    internal const int HeadBytes = 12;

    private const int PartBytes = 64 << 10;

    private readonly DomainOptions _domains;
    private readonly ConsoleLogs _logs;
    private readonly MigrationOptions _options;
    private readonly ILogger _logger;

    internal MigrationConsoles(DomainOptions domains, ConsoleLogs logs, MigrationOptions options, ILogger<MigrationConsoles> logger)
    {
        _domains = domains;
        _logs = logs;
        _options = options;
        _logger = logger;
    }

    /// <summary>Sends what there is now. That it cannot be sent does not hold up a move: the log then begins where the guest goes on.</summary>
    /// <param name="open">The way to the destination.</param>
    internal async Task<Sending> BeginAsync(Guid instance, Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken)
    {
        var sending = new Sending(this, instance);
        try
        {
            await sending.TryAsync(
                async cancellation =>
                {
                    await sending.OpenAsync(open, cancellation);
                    await sending.SendAsync(cancellation);
                },
                cancellationToken);
            return sending;
        }
        catch
        {
            await sending.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes what a source sends, and keeps it if it is whole.</summary>
    /// <exception cref="IOException">It is not as it should be, or cannot be kept.</exception>
    internal async Task ReceiveAsync(Guid instance, Stream from, CancellationToken cancellationToken)
    {
        var path = _domains.ArrivingLogOf(instance);
        var isWhole = false;
        // Nobody else may write it: of two who come one is told that it cannot be.
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None);
        try
        {
            await ReceiveAsync(file, from, cancellationToken);
            isWhole = true;
        }
        finally
        {
            if (!isWhole)
                File.Delete(path);
        }
        await file.FlushAsync(cancellationToken);
        await from.WriteAsync(new byte[1], cancellationToken);
    }

    private async Task ReceiveAsync(FileStream file, Stream from, CancellationToken cancellationToken)
    {
        var head = new byte[HeadBytes];
        var buffer = new byte[PartBytes];
        var (end, received) = (-1L, 0L);
        while (true)
        {
            await from.ReadExactlyAsync(head, cancellationToken);
            var (offset, length) = (BinaryPrimitives.ReadInt64BigEndian(head), BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(8)));
            received += length;
            if (offset < 0 || length is < 0 or > PartBytes || received > _options.ConsoleMax)
                throw new IOException("What came of the log of a console is not as it should be.");
            if (length == 0)
                return;
            if (offset != end)
            {
                // What is between is lost, and so is what is before.
                file.SetLength(0);
                await file.WriteAsync(head.AsMemory(0, sizeof(long)), cancellationToken);
            }
            await from.ReadExactlyAsync(buffer.AsMemory(0, length), cancellationToken);
            await file.WriteAsync(buffer.AsMemory(0, length), cancellationToken);
            end = offset + length;
        }
    }

    [LoggerMessage(EventId = 3921, Level = LogLevel.Warning, Message = "The log of the console of instance {Instance} begins at its destination: {Why}")]
    private partial void LogLost(Guid instance, string why);

    /// <summary>The log of one instance that is on its way; disposed of without an end, nothing of it counts.</summary>
    internal sealed class Sending(MigrationConsoles consoles, Guid instance) : IAsyncDisposable
    {
        private Stream? _stream;
        private long _sent;

        /// <summary>Sends the rest, as the guest has ended here, and waits until it is kept there.</summary>
        public Task EndAsync(CancellationToken cancellationToken) => TryAsync(
            async cancellation =>
            {
                if (_stream is null)
                    return;
                await SendAsync(cancellation);
                await _stream.WriteAsync(HeadOf(_sent, 0), cancellation);
                await _stream.FlushAsync(cancellation);
                await _stream.ReadExactlyAsync(new byte[1], cancellation);
            },
            cancellationToken);

        public ValueTask DisposeAsync() => _stream?.DisposeAsync() ?? ValueTask.CompletedTask;

        internal async Task OpenAsync(Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken) =>
            _stream = await open(cancellationToken);

        internal async Task SendAsync(CancellationToken cancellationToken)
        {
            using var part = consoles._logs.Open(instance, _sent, consoles._options.ConsoleMax / 2);
            if (part is null || _stream is null)
                return;
            var buffer = new byte[PartBytes];
            for (_sent = part.Offset; _sent < part.End;)
            {
                var count = await part.Stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, part.End - _sent)), cancellationToken);
                if (count == 0)
                    return;
                await _stream.WriteAsync(HeadOf(_sent, count), cancellationToken);
                await _stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
                _sent += count;
            }
            await _stream.FlushAsync(cancellationToken);
        }

        internal async Task TryAsync(Func<CancellationToken, Task> send, CancellationToken cancellationToken)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(consoles._options.ConsoleLimit);
            try
            {
                await send(limit.Token);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                consoles.LogLost(instance, exception.Message);
                await DisposeAsync();
                _stream = null;
            }
        }

        private static byte[] HeadOf(long offset, int length)
        {
            var head = new byte[HeadBytes];
            BinaryPrimitives.WriteInt64BigEndian(head, offset);
            BinaryPrimitives.WriteInt32BigEndian(head.AsSpan(8), length);
            return head;
        }
    }
}
