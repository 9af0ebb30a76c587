using System.Buffers;
using System.Security.Cryptography;

namespace PonyCloud.Shared.Http;

/// <summary>The HTTPS server of a host, as the host reported it over its encrypted link.</summary>
/// <param name="Address">Such as <c>https://192.0.2.7:40123/</c>.</param>
/// <param name="Fingerprint">SHA-256 of its certificate, by which alone it is known: no name, authority or clock matters.</param>
/// <param name="Token">By what it knows the one who asks. Secret.</param>
public sealed record HostEndpoint(Uri Address, ReadOnlyMemory<byte> Fingerprint, string Token)
{
    /// <returns>Null when anything of it is missing, or cannot be meant.</returns>
    public static HostEndpoint? TryParse(string? address, string? fingerprint, string? token)
    {
        if (token is null
            || !Uri.TryCreate(address, UriKind.Absolute, out var uri)
            || uri is not { Scheme: "https", UserInfo: "", PathAndQuery: "/", Fragment: "" })
        {
            return null;
        }
        var bytes = new byte[SHA256.HashSizeInBytes];
        return fingerprint?.Length == 2 * bytes.Length
            && Convert.FromHexString(fingerprint, bytes, out _, out var count) == OperationStatus.Done
            && count == bytes.Length
                ? new HostEndpoint(uri, bytes, token)
                : null;
    }

    /// <summary>Without the token, so that no log has it.</summary>
    public override string ToString() => Address.ToString();
}
