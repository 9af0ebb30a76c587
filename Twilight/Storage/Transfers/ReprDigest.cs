namespace PonyCloud.Twilight.Storage.Transfers;

/// <summary>The header <c>Repr-Digest</c> (RFC 9530): a dictionary of checksums, of which sha-256 is known here.</summary>
internal static class ReprDigest
{
    private const string Algorithm = "sha-256";
    private const int Length = 32;

    /// <returns>The checksum; null when there is none of this kind, or it is none.</returns>
    public static byte[]? Parse(IEnumerable<string?> headers)
    {
        foreach (var member in headers.SelectMany(header => (header ?? "").Split(',', StringSplitOptions.TrimEntries)))
        {
            var (name, value) = member.Split('=', 2) is [var left, var right] ? (left, right) : (member, "");
            if (name != Algorithm || value is not [':', .. var text, ':'])
                continue;
            var sum = new byte[Length];
            return Convert.TryFromBase64String(text, sum, out var count) && count == Length ? sum : null;
        }
        return null;
    }

    public static string Format(ReadOnlySpan<byte> sum) => $"{Algorithm}=:{Convert.ToBase64String(sum)}:";
}
