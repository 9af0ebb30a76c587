using PonyCloud.Shared.Hosting.Disk;

namespace PonyCloud.Shared.Hosting;

/// <summary>Writes files that are there whole or not at all, also after a crash or a power failure.</summary>
public static class WholeFile
{
    /// <summary>For its owner only.</summary>
    public const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>For everybody to read.</summary>
    public const UnixFileMode Public = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>
    /// Writes under another name first, so that nobody reads half of it, nor has it open from before when it is a secret; the
    /// directories above it are made.
    /// </summary>
    /// <param name="replace">Whether it takes the place of a file that is there.</param>
    /// <exception cref="IOException">It cannot be written, or is there and is not to be replaced.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, bool replace)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } directory)
            Directory.CreateDirectory(directory);
        var draft = $"{path}.{Guid.NewGuid():N}";
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = mode,
            }))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: replace);
            DirectoryEntries.Sync(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        finally
        {
            File.Delete(draft);
        }
    }
}
