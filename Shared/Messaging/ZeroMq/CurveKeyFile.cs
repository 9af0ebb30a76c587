using System.Text;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// A secret key as a line of Z85 in a file that only its owner can read. The public key follows from it, so there is
/// nothing else to keep.
/// </summary>
public static class CurveKeyFile
{
    private const int KeyLength = 40;

    /// <summary>Reads the key, or makes one where there is no file, with the directories above it.</summary>
    /// <exception cref="CurveKeyFileException">There is no usable key, and none can be made. The message never shows the content.</exception>
    public static CurveKeys ReadOrMake(string path)
    {
        try
        {
            if (!File.Exists(path))
                Make(path);
            return Read(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CurveKeyFileException($"{path}: {error.Message}", error);
        }
        catch (DllNotFoundException error)
        {
            throw new CurveKeyFileException("libzmq 4 (libzmq.so.5) is not installed", error);
        }
    }

    private static CurveKeys Read(string path)
    {
        using var file = File.OpenHandle(path);
        // Of the file that is open: another may have taken its name.
        if ((File.GetUnixFileMode(file) & ~WholeFile.Secret) != 0)
            throw new CurveKeyFileException($"{path} is a secret and must have mode 0600");
        Span<byte> content = stackalloc byte[KeyLength + 2];
        var text = Encoding.Latin1.GetString(content[..RandomAccess.Read(file, content, fileOffset: 0)]);
        var key = text.EndsWith('\n') ? text[..^1] : text;
        return CurveKeys.IsKey(key)
            ? CurveKeys.FromSecret(key)
            : throw new CurveKeyFileException($"{path} must hold a secret key: one line of 40 characters of Z85");
    }

    private static void Make(string path)
    {
        try
        {
            // Only where no key is, so that of two who do this at once both have the same.
            WholeFile.Write(path, Encoding.ASCII.GetBytes(CurveKeys.Generate().ExportSecret() + "\n"), WholeFile.Secret, replace: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Somebody else was quicker, and that key is the one.
        }
    }
}

/// <summary>A daemon has no usable key.</summary>
public sealed class CurveKeyFileException : Exception
{
    internal CurveKeyFileException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}
