using System.Text;
using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Reads the <c>Authorization</c> header.</summary>
public sealed class Authenticator(TokenService tokens)
{
    public const string BearerChallenge = "Bearer realm=\"ponycloud\"";
    public const string BasicChallenge = "Basic realm=\"ponycloud\", charset=\"UTF-8\"";

    private const string BearerPrefix = "Bearer ";
    private const string BasicPrefix = "Basic ";

    /// <exception cref="ProblemException">There is no token, or it is not valid.</exception>
    public ValueTask<Caller> RequireCallerAsync(HttpRequest request, StateSnapshot snapshot) =>
        RequireCallerAsync(request, RequireToken(request), snapshot);

    /// <exception cref="ProblemException">The token is not valid.</exception>
    public async ValueTask<Caller> RequireCallerAsync(HttpRequest request, string token, StateSnapshot snapshot)
    {
        var caller = await tokens.FindCallerAsync(token, snapshot)
            ?? throw Unauthenticated("The token is not valid, or not any more.", BearerChallenge + ", error=\"invalid_token\", error_description=\"not valid, or not any more\"");
        // For the audit log, when the request is refused further on.
        request.HttpContext.Features.Set(caller);
        return caller;
    }

    /// <summary>The token that a request brings, whatever it is worth; null when it brings none.</summary>
    public static string? BearerIn(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return header.Count == 1 && header[0]!.StartsWith(BearerPrefix, StringComparison.OrdinalIgnoreCase)
            ? header[0]![BearerPrefix.Length..].Trim()
            : null;
    }

    /// <summary>The token that a request brings, whatever it is worth.</summary>
    /// <exception cref="ProblemException">It brings none.</exception>
    public static string RequireToken(HttpRequest request) =>
        BearerIn(request) ?? throw Unauthenticated("The request needs a token, as Authorization: Bearer.", BearerChallenge);

    /// <exception cref="ProblemException">There is no name and password.</exception>
    public static (string Name, string Password) RequireBasic(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        if (header.Count == 1 && header[0]!.StartsWith(BasicPrefix, StringComparison.OrdinalIgnoreCase))
        {
            var text = header[0]!.AsSpan(BasicPrefix.Length).Trim();
            var bytes = new byte[text.Length];
            if (Convert.TryFromBase64Chars(text, bytes, out var length))
            {
                var plain = Encoding.UTF8.GetString(bytes, 0, length);
                var colon = plain.IndexOf(':', StringComparison.Ordinal);
                if (colon > 0)
                    return (plain[..colon], plain[(colon + 1)..]);
            }
        }
        throw Unauthenticated("A login needs an email address and a password, as Authorization: Basic.", BasicChallenge);
    }

    public static ProblemException Unauthenticated(string detail, string challenge) =>
        new(new Problem(ProblemKind.Unauthenticated, detail) { Authenticate = challenge });
}
