namespace PonyCloud.Twilight.Tools;

/// <summary>Where tools and this process meet, and nobody else: made for the agent's own account alone.</summary>
internal static class SocketDirectory
{
    /// <returns>The directory, with nothing in it.</returns>
    public static string MakeAnew(string directory)
    {
        // An agent that was killed has left what nobody listens to any more.
        if (Directory.Exists(directory))
            Directory.Delete(directory, recursive: true);
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return directory;
    }
}
