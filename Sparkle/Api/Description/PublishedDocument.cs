using System.Security.Cryptography;
using System.Text.Json;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>A JSON document that stays as it is while the controller runs.</summary>
/// <param name="ETag">A strong entity tag with its quotes, of the bytes.</param>
public sealed record PublishedDocument(ReadOnlyMemory<byte> Bytes, string ETag)
{
    /// <summary>Makes the document of whatever is written.</summary>
    public static PublishedDocument Of(Action<Utf8JsonWriter> write)
    {
        using var buffer = new JsonBuffer();
        write(buffer.Json);
        buffer.Json.Flush();
        var bytes = buffer.Bytes.WrittenSpan.ToArray();
        return new PublishedDocument(bytes, $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 16))}\"");
    }
}
