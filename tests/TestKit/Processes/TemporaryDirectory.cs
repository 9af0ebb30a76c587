namespace PonyCloud.TestKit.Processes;

/// <summary>A directory of its own that is gone, with all that is in it, when it is disposed.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory(string purpose = "test") =>
        Path = Directory.CreateTempSubdirectory($"ponycloud-{purpose}-").FullName;

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <exception cref="IOException">Something in it cannot be removed, such as a mount that was left behind.</exception>
    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
