using System.Buffers.Text;
using System.Security.Cryptography;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>
/// The entity tag of a row: a hash of its desired part and a hash of all that stands beside it, as a mount shows them.
/// It is made of the very bytes of the answer, so it is the same for the same bytes, whichever controller sends them.
/// </summary>
public readonly record struct RowTag(string Desired, string Rest)
{
    // Half of SHA-256: nobody finds two rows with one tag, not even on purpose.
    private const int HashLength = 16;

    /// <param name="answer">The row as JSON, from its first byte to its last.</param>
    /// <param name="split">Where its desired part ends.</param>
    public static RowTag Of(ReadOnlySpan<byte> answer, int split) => new(Hash(answer[..split]), Hash(answer[split..]));

    /// <summary>The hash of a part that is the row's only one, or its first.</summary>
    public static string Hash(ReadOnlySpan<byte> json)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(json, hash);
        return Base64Url.EncodeToString(hash[..HashLength]);
    }

    /// <summary>As it stands in a header.</summary>
    public override string ToString() => $"\"{Desired}.{Rest}\"";
}
