using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Hosting.Disk;

/// <summary>The names in a directory, which reach the disk apart from the files that they stand for.</summary>
public static partial class DirectoryEntries
{
    private const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC, the same on every architecture.

    /// <summary>What was made, renamed and removed in the directory outlives a power failure when this returns.</summary>
    /// <exception cref="IOException">The disk fails, or there is no such directory.</exception>
    public static void Sync(string directory)
    {
        var descriptor = Open(directory, ReadOnlyCloseOnExec);
        if (descriptor < 0)
            throw Failed(directory);
        try
        {
            if (FlushToDisk(descriptor) != 0)
                throw Failed(directory);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Failed(string directory) =>
        new($"The directory {directory} cannot be brought to the disk: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushToDisk(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
