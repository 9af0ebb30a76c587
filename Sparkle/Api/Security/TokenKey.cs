using System.Security.Cryptography;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>The secret that signs tokens, kept in a file that only the controller's user can read.</summary>
public static class TokenKey
{
    public const string FileName = "token.key";

    private const int Length = 64;

    /// <summary>Reads the key, or makes one at the first start.</summary>
    /// <exception cref="InvalidOperationException">The file is no such key, or others can read it.</exception>
    public static byte[] LoadOrCreate(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            WholeFile.Write(path, RandomNumberGenerator.GetBytes(Length), WholeFile.Secret, replace: false);
        if ((File.GetUnixFileMode(path) & ~WholeFile.Secret) != 0)
            throw new InvalidOperationException($"{path} signs all tokens and must have mode 0600.");
        var key = File.ReadAllBytes(path);
        return key.Length == Length
            ? key
            : throw new InvalidOperationException($"{path} has {key.Length} bytes and must have {Length}. Without it all tokens are void.");
    }
}
