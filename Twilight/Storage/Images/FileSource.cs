namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Takes a content from a file of this host.</summary>
internal static class FileSource
{
    private const int BufferSize = 1 << 20;

    /// <exception cref="ImageException">The file is not there, is none, or is too large.</exception>
    public static async Task CopyAsync(string path, ContentSink sink, CancellationToken cancellationToken)
    {
        // Of its own for each call: a read that hangs keeps it.
        var buffer = new byte[BufferSize];
        try
        {
            // On another thread: a pipe that nobody writes to, or a server that is away, would keep this one.
            using var file = await Task.Run(() => File.OpenHandle(path, options: FileOptions.Asynchronous), CancellationToken.None)
                .WaitAsync(cancellationToken);
            sink.Total = RandomAccess.GetLength(file);
            for (var offset = 0L; ;)
            {
                var count = await RandomAccess.ReadAsync(file, buffer, offset, cancellationToken).AsTask().WaitAsync(cancellationToken);
                if (count == 0)
                    break;
                await sink.AppendAsync(buffer.AsMemory(0, count), cancellationToken);
                offset += count;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw ImageException.Host($"The host has no readable file {path}.", exception);
        }
    }
}
