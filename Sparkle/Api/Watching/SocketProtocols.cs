using System.Buffers.Text;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>
/// The subprotocols that a client of a WebSocket offers. Pages in browsers can set no header, so one of them may carry the
/// token, in the way that Kubernetes made common; it is never chosen, since the answer repeats what is chosen.
/// </summary>
/// <param name="Chosen">Null when the client offers none.</param>
/// <param name="Token">Null when it is in the header, as everywhere.</param>
internal sealed record SocketProtocols(string? Chosen, string? Token)
{
    /// <summary>The protocol of the stream itself.</summary>
    public const string Watch = "v1.watch.ponycloud";

    /// <summary>Followed by the token's text in base64url, without padding.</summary>
    public const string TokenPrefix = "base64url.bearer.authorization.ponycloud.";

    /// <exception cref="ProblemException">They contradict each other, or the request.</exception>
    public static SocketProtocols Read(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
            return new SocketProtocols(null, null);
        var offered = context.WebSockets.WebSocketRequestedProtocols;
        var tokens = offered.Where(protocol => protocol.StartsWith(TokenPrefix, StringComparison.Ordinal)).ToList();
        if (offered.Count > 0 && !offered.Contains(Watch))
            throw new ProblemException(ProblemKind.MalformedRequest, $"Of the subprotocols offered none is {Watch}.");
        if (tokens.Count > 1 || (tokens.Count == 1 && context.Request.Headers.Authorization.Count > 0))
            throw new ProblemException(ProblemKind.MalformedRequest, "The request has more than one token.");
        return new SocketProtocols(offered.Count > 0 ? Watch : null, tokens.Count == 0 ? null : Decode(tokens[0].AsSpan(TokenPrefix.Length)));
    }

    private static string Decode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        return Base64Url.DecodeFromChars(text, bytes, out _, out var length) == System.Buffers.OperationStatus.Done
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : throw new ProblemException(ProblemKind.MalformedRequest, $"What follows {TokenPrefix} is not base64url.");
    }
}
