using System.Collections.Concurrent;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>The network between two hosts, which can hold its breath, also after so many bytes, and be cut.</summary>
internal sealed class TestLink(IMigrationDoors doors) : IMigrationDoors
{
    private readonly ConcurrentDictionary<LinkStream, bool> _streams = new();
    private volatile TaskCompletionSource? _held;
    private volatile bool _isCut;

    private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _passed;
    private long _holdAt = long.MaxValue;

    /// <summary>The bytes that got through either way since it was last mended.</summary>
    public long Passed => Interlocked.Read(ref _passed);

    public async Task<Stream> OpenAsync(MigrationDoor door, Guid instance, string way, CancellationToken cancellationToken)
    {
        await PassAsync(0, cancellationToken);
        var stream = new LinkStream(this, await doors.OpenAsync(door, instance, way, cancellationToken));
        _streams[stream] = true;
        return stream;
    }

    /// <summary>Nothing gets through, and nobody is told.</summary>
    public void Hold() => _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Holds when so many bytes have got through; completes when that is so.</summary>
    public Task HoldAfter(long bytes)
    {
        Interlocked.Exchange(ref _holdAt, bytes);
        return _reached.Task;
    }

    public void Release()
    {
        Interlocked.Exchange(ref _holdAt, long.MaxValue);
        var held = _held;
        _held = null;
        held?.TrySetResult();
    }

    /// <summary>Everything that is open ends, and nothing can be opened.</summary>
    public void Cut()
    {
        _isCut = true;
        foreach (var stream in _streams.Keys)
            stream.Dispose();
        _streams.Clear();
        Release();
    }

    public void Mend()
    {
        Release();
        Interlocked.Exchange(ref _passed, 0);
        _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _isCut = false;
    }

    private async Task PassAsync(int bytes, CancellationToken cancellationToken)
    {
        if (_isCut)
            throw new IOException("The link is cut.");
        if (Interlocked.Add(ref _passed, bytes) >= Interlocked.Read(ref _holdAt))
        {
            Hold();
            _reached.TrySetResult();
        }
        if (_held is { } held)
            await held.Task.WaitAsync(cancellationToken);
        if (_isCut)
            throw new IOException("The link is cut.");
    }

    private sealed class LinkStream(TestLink link, Stream inner) : Stream
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
            try
            {
                var count = await inner.ReadAsync(buffer, cancellationToken);
                await link.PassAsync(count, cancellationToken);
                return count;
            }
            catch (ObjectDisposedException exception)
            {
                throw new IOException("The link was cut.", exception);
            }
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                await link.PassAsync(buffer.Length, cancellationToken);
                await inner.WriteAsync(buffer, cancellationToken);
            }
            catch (ObjectDisposedException exception)
            {
                throw new IOException("The link was cut.", exception);
            }
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                link._streams.TryRemove(this, out _);
                inner.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
