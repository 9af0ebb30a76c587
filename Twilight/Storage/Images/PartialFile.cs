using Microsoft.Win32.SafeHandles;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// A file that is being filled, and is removed unless it is finished. A disk that hangs (a server of a pool that is away)
/// keeps nobody: who is withdrawn leaves at once, and the file goes when the disk is back.
/// </summary>
internal sealed class PartialFile : IAsyncDisposable
{
    // A disk that does not remove a file within this time hangs.
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromMilliseconds(500);

    // ENOSPC and EDQUOT: the numbers of errors are the same on every architecture that is built for.
    private const int NoSpace = 28;
    private const int NoQuota = 122;

    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private Task _last = Task.CompletedTask;
    private bool _isFinished;

    private PartialFile(string path, SafeFileHandle handle)
    {
        _path = path;
        _handle = handle;
    }

    /// <summary>How much is in it.</summary>
    public long Length { get; private set; }

    /// <exception cref="ImageException">The file cannot be made.</exception>
    public static async Task<PartialFile> CreateAsync(string path, CancellationToken cancellationToken)
    {
        var opening = Task.Run(
            () => File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read, FileOptions.Asynchronous),
            CancellationToken.None);
        try
        {
            return new PartialFile(path, await opening.WaitAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            _ = opening.ContinueWith(
                opened =>
                {
                    opened.Result.Dispose();
                    File.Delete(path);
                },
                CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion,
                TaskScheduler.Default);
            throw;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failed(exception);
        }
    }

    /// <summary>Adds to its end. The buffer is the file's if this is withdrawn.</summary>
    /// <exception cref="ImageException">The disk fails, or is full.</exception>
    public async Task AppendAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        await DoAsync(RandomAccess.WriteAsync(_handle, data, Length, CancellationToken.None).AsTask(), cancellationToken);
        Length += data.Length;
    }

    /// <summary>Empties it.</summary>
    /// <exception cref="ImageException">The disk fails.</exception>
    public async Task BeginAgainAsync(CancellationToken cancellationToken)
    {
        if (Length == 0)
            return;
        await DoAsync(Task.Run(() => RandomAccess.SetLength(_handle, 0), CancellationToken.None), cancellationToken);
        Length = 0;
    }

    /// <summary>Brings it to the disk; it stays.</summary>
    /// <exception cref="ImageException">The disk fails.</exception>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await DoAsync(Task.Run(() => RandomAccess.FlushToDisk(_handle), CancellationToken.None), cancellationToken);
        _isFinished = true;
    }

    public async ValueTask DisposeAsync()
    {
        // What is under way on the disk needs the handle until it ends, however long that takes. Whoever owns the directory
        // finds a file by its name that a broken disk did not let go.
        var closing = _last.ContinueWith(_ => Close(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await Task.WhenAny(closing, Task.Delay(RemovalLimit));
    }

    private void Close()
    {
        _handle.Dispose();
        if (!_isFinished)
            File.Delete(_path);
    }

    private async Task DoAsync(Task work, CancellationToken cancellationToken)
    {
        _last = work;
        try
        {
            await work.WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Failed(exception);
        }
    }

    // Where the file is, is the host's business; what its disk says is not.
    private static ImageException Failed(Exception exception) => ImageException.Host(
        exception is IOException { HResult: NoSpace or NoQuota } ? "The storage pool is full." : "The storage pool cannot be written.",
        exception);
}
