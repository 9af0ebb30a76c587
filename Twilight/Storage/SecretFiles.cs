namespace PonyCloud.Twilight.Storage;

/// <summary>
/// Files with secrets for tools and guests, which take none on their command lines. The directory is of the host itself, best in
/// memory, and nobody's but the agent's: what an earlier one left in it goes with the first file that is written.
/// </summary>
public sealed class SecretFiles(string directory)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lazy<string> _directory = new(() => Clear(directory));

    /// <exception cref="IOException">It cannot be written.</exception>
    public SecretFile Write(string secret)
    {
        var path = Path.Combine(_directory.Value, Guid.NewGuid().ToString("N"));
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private };
        using (var writer = new StreamWriter(path, options))
            writer.Write(secret);
        return new SecretFile(path);
    }

    private static string Clear(string directory)
    {
        Directory.CreateDirectory(directory, Private | UnixFileMode.UserExecute);
        foreach (var left in Directory.EnumerateFiles(directory))
            File.Delete(left);
        return directory;
    }
}

/// <summary>A file that only root reads, gone when it is disposed.</summary>
public sealed record SecretFile(string Path) : IDisposable
{
    public void Dispose() => File.Delete(Path);
}
