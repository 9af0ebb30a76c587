using System.Text;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// A secret key as a line of Z85 in a file that only its owner can read. The public key follows from it, so there is
/// nothing else to keep.
/// </summary>
public static class CurveKeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
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
        if ((File.GetUnixFileMode(file) & ~OwnerOnly) != 0)
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
        if (Path.GetDirectoryName(path) is { Length: > 0 } directory)
            Directory.CreateDirectory(directory);
        // Under another name first, so that a crash half way leaves no half key behind; and moved only to where no key is, so
        // that of two who do this at once both have the same.
        var draft = $"{path}.{Guid.NewGuid():N}";
        try
        {
            using (var file = new FileStream(draft, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            }))
            {
                file.Write(Encoding.ASCII.GetBytes(CurveKeys.Generate().ExportSecret() + "\n"));
                file.Flush(flushToDisk: true);
            }
            File.Move(draft, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            // Somebody else was quicker, and that key is the one.
        }
        finally
        {
            File.Delete(draft);
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
