using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>
/// Tokens of EC2's second version of the service. Each is its end and a keyed digest of that and of the instance, so nothing of it is
/// kept; the key is this process's own.
/// </summary>
internal sealed class SessionTokens(TimeProvider time)
{
    /// <summary>Seconds.</summary>
    public const int LifetimeMax = 21_600;

    private const int EndSize = sizeof(long);
    private const int DigestSize = HMACSHA256.HashSizeInBytes;
    private const int InstanceSize = 16;

    private readonly byte[] _key = RandomNumberGenerator.GetBytes(DigestSize);

    public string Make(Guid instance, TimeSpan lifetime)
    {
        var token = new byte[EndSize + DigestSize];
        BinaryPrimitives.WriteInt64BigEndian(token, (time.GetUtcNow() + lifetime).ToUnixTimeMilliseconds());
        Digest(instance, token.AsSpan(0, EndSize), token.AsSpan(EndSize));
        return Base64Url.EncodeToString(token);
    }

    public bool IsValid(Guid instance, string text)
    {
        var token = new byte[EndSize + DigestSize];
        if (text.Length != Base64Url.GetEncodedLength(token.Length) || !Base64Url.TryDecodeFromChars(text, token, out var size) || size != token.Length)
            return false;
        Span<byte> digest = stackalloc byte[DigestSize];
        Digest(instance, token.AsSpan(0, EndSize), digest);
        return CryptographicOperations.FixedTimeEquals(digest, token.AsSpan(EndSize))
            && BinaryPrimitives.ReadInt64BigEndian(token) > time.GetUtcNow().ToUnixTimeMilliseconds();
    }

    private void Digest(Guid instance, ReadOnlySpan<byte> end, Span<byte> digest)
    {
        Span<byte> content = stackalloc byte[InstanceSize + EndSize];
        instance.TryWriteBytes(content);
        end.CopyTo(content[InstanceSize..]);
        HMACSHA256.HashData(_key, content, digest);
    }
}
