using System.Security.Cryptography;

namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>How far the upload of one generation of a volume is. Only whoever holds its turn touches it.</summary>
#pragma warning disable CA1001 // A request may have its turn when the book forgets the upload; it is only collected.
internal sealed class Upload(long generation)
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lock _gate = new();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private CancellationTokenSource? _newest;

    public long Generation => generation;

    /// <summary>So many bytes are on the disk, and in the checksum.</summary>
    public long Offset { get; private set; }

    /// <summary>The whole; null before the first part.</summary>
    public long? Total { get; set; }

    /// <summary>The content may have something in it that is not part of the upload: so many bytes from the beginning.</summary>
    public long Dirty { get; private set; }

    /// <summary>The checksum with which it was made whole; null before that.</summary>
    public byte[]? Finished { get; set; }

    /// <summary>Takes the turn from whoever has it.</summary>
    /// <exception cref="OperationCanceledException">Somebody newer came, or nobody waits any more.</exception>
    public async Task<UploadTurn> TakeTurnAsync(CancellationToken cancellationToken)
    {
        var own = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        CancellationTokenSource? older;
        lock (_gate)
            (older, _newest) = (_newest, own);
        if (older is not null)
            await older.CancelAsync();
        try
        {
            await _turn.WaitAsync(own.Token);
            return new UploadTurn(own, () => End(own));
        }
        catch
        {
            Forget(own);
            throw;
        }
    }

    /// <summary>So many bytes from the offset on are about to be written.</summary>
    public void Begin(long count) => Dirty = Math.Max(Dirty, Offset + count);

    public void Append(ReadOnlySpan<byte> data) => _hash.AppendData(data);

    /// <summary>What was appended is on the disk.</summary>
    public void Advance(long count) => Offset += count;

    public byte[] Sum() => _hash.GetCurrentHash();

    /// <summary>Nothing of it counts.</summary>
    public void BeginAgain()
    {
        Offset = 0;
        _hash.GetHashAndReset();
    }

    /// <summary>The content is empty again.</summary>
    public void Erased() => Dirty = 0;

    private void End(CancellationTokenSource own)
    {
        Forget(own);
        _turn.Release();
    }

    private void Forget(CancellationTokenSource own)
    {
        lock (_gate)
        {
            if (_newest == own)
                _newest = null;
        }
    }
}

/// <summary>The turn of one request at an upload.</summary>
internal sealed class UploadTurn(CancellationTokenSource newer, Action end) : IDisposable
{
    /// <summary>Cancelled when a newer request wants the turn.</summary>
    public CancellationToken Token { get; } = newer.Token;

    public void Dispose() => end();
}
