using System.Security.Cryptography;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>The checksum of a content as it comes in, beside what it is said to be.</summary>
internal sealed class ContentChecksum : IDisposable
{
    private const string Default = "sha256";

    private readonly string? _expected;
    private readonly string _algorithm;
    private readonly IncrementalHash _hash;

    /// <param name="expected">As <see cref="ImageDesired.Checksum"/>; null when nobody said.</param>
    /// <exception cref="ImageException">It is of a kind that is not known.</exception>
    public ContentChecksum(string? expected)
    {
        _expected = expected;
        _algorithm = expected?.Split(':')[0] ?? Default;
        _hash = IncrementalHash.CreateHash(_algorithm switch
        {
            Default => HashAlgorithmName.SHA256,
            "sha512" => HashAlgorithmName.SHA512,
            _ => throw ImageException.Refused($"The checksum is of a kind that is not known: {_algorithm}."),
        });
    }

    public void Append(ReadOnlySpan<byte> data) => _hash.AppendData(data);

    public void BeginAgain() => _hash.GetHashAndReset();

    /// <summary>The checksum of all that was appended.</summary>
    /// <exception cref="ImageException">It is not what was said.</exception>
    public string Verify()
    {
        var sum = $"{_algorithm}:{Convert.ToHexStringLower(_hash.GetHashAndReset())}";
        return _expected is null || _expected == sum
            ? sum
            : throw new ImageException(ImageFailure.Mismatch, $"The content does not have the image's checksum: it has {sum}.");
    }

    public void Dispose() => _hash.Dispose();
}
