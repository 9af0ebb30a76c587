using PonyCloud.Shared.Hosting.Disk;

namespace PonyCloud.Sparkle.Outage;

/// <summary>A file that is added to, and of which one knows what is on the disk.</summary>
internal interface IJournalFile : IDisposable
{
    string Path { get; }

    byte[] Read();

    /// <summary>Adds at the end; durable when this returns.</summary>
    /// <exception cref="IOException">How much of it is in the file is not known.</exception>
    void Append(ReadOnlySpan<byte> bytes);

    /// <summary>Cuts the file off; durable when this returns.</summary>
    /// <exception cref="IOException">How long the file is now is not known.</exception>
    void Truncate(long length);

    /// <summary>Gives the file another name and begins an empty one.</summary>
    /// <returns>The path of what was moved.</returns>
    string MoveAside(string suffix);
}

/// <summary>The real file, readable by the controller's user only.</summary>
internal sealed class JournalFile : IJournalFile
{
    private FileStream _stream;

    /// <exception cref="IOException">It cannot be opened, or another process has it.</exception>
    public JournalFile(string path)
    {
        Path = path;
        _stream = Open(path);
    }

    public string Path { get; }

    public byte[] Read()
    {
        var bytes = new byte[_stream.Length];
        _stream.Position = 0;
        _stream.ReadExactly(bytes);
        return bytes;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _stream.Seek(0, SeekOrigin.End);
        _stream.Write(bytes);
        _stream.Flush(flushToDisk: true);
    }

    public void Truncate(long length)
    {
        _stream.SetLength(length);
        _stream.Flush(flushToDisk: true);
    }

    public string MoveAside(string suffix)
    {
        var path = $"{Path}.{suffix}";
        _stream.Dispose();
        File.Move(Path, path);
        _stream = Open(Path);
        return path;
    }

    public void Dispose() => _stream.Dispose();

    // Without a buffer, so that what a failed write left behind does not go out with the next one.
    private static FileStream Open(string path)
    {
        var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
            BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        try
        {
            // The name as well: an order in a file that nobody finds after a power failure is lost.
            stream.Flush(flushToDisk: true);
            DirectoryEntries.Sync(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
