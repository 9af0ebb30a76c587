using PonyCloud.Twilight.Storage.Transfers;

namespace PonyCloud.Twilight.Tests.Storage.Transfers;

/// <summary>A content in memory, whose disk hangs or fails when the test says so.</summary>
internal sealed class MemoryContent(byte[] bytes) : IVolumeContent
{
    public byte[] Bytes => bytes;

    public long Generation { get; init; } = 1;

    public ContentState State { get; set; } = ContentState.Whole;

    public long Length { get; init; } = bytes.Length;

    public CancellationToken Withdrawn { get; init; }

    /// <summary>Awaited before something is written or read; fails or hangs as it is.</summary>
    public Func<CancellationToken, Task> Disk { get; set; } = _ => Task.CompletedTask;

    /// <summary>How often it was made empty.</summary>
    public int Erasures { get; private set; }

    /// <summary>Streams and writers that were opened and not disposed of.</summary>
    public int Open { get; private set; }

    public async Task<Stream> OpenReadAsync(long offset, CancellationToken cancellationToken)
    {
        await Disk(cancellationToken);
        return new MemoryStream(bytes, (int)offset, bytes.Length - (int)offset, writable: false);
    }

    public Task<IContentWriter> OpenWriteAsync(long offset, CancellationToken cancellationToken)
    {
        Open++;
        return Task.FromResult<IContentWriter>(new Writer(this, (int)offset));
    }

    public Task EraseAsync(long count, CancellationToken cancellationToken)
    {
        Erasures++;
        bytes.AsSpan(0, (int)count).Clear();
        return Task.CompletedTask;
    }

    public Task FinishAsync(CancellationToken cancellationToken)
    {
        State = ContentState.Whole;
        return Task.CompletedTask;
    }

    private sealed class Writer(MemoryContent content, int offset) : IContentWriter
    {
        private int _at = offset;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
        {
            await content.Disk(cancellationToken);
            data.CopyTo(content.Bytes.AsMemory(_at));
            _at += data.Length;
        }

        public Task CompleteAsync(CancellationToken cancellationToken) => content.Disk(cancellationToken);

        public ValueTask DisposeAsync()
        {
            content.Open--;
            return ValueTask.CompletedTask;
        }
    }
}
