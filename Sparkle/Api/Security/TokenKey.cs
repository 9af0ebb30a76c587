using System.Security.Cryptography;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>The secret that signs tokens, kept in a file that only the controller's user can read.</summary>
public static class TokenKey
{
    public const string FileName = "token.key";

    private const int Length = 64;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Reads the key, or makes one at the first start.</summary>
    /// <exception cref="InvalidOperationException">The file is no such key, or others can read it.</exception>
    public static byte[] LoadOrCreate(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            Create(path);
        if ((File.GetUnixFileMode(path) & ~OwnerOnly) != 0)
            throw new InvalidOperationException($"{path} signs all tokens and must have mode 0600.");
        var key = File.ReadAllBytes(path);
        return key.Length == Length
            ? key
            : throw new InvalidOperationException($"{path} has {key.Length} bytes and must have {Length}. Without it all tokens are void.");
    }

    private static void Create(string path)
    {
        // Under another name first, so that a crash half way leaves no short key behind.
        var draft = $"{path}.{Guid.NewGuid():N}";
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = OwnerOnly,
        }))
        {
            file.Write(RandomNumberGenerator.GetBytes(Length));
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path);
    }
}
