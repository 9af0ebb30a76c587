using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>A token as it is handed out.</summary>
public sealed record IssuedToken(string Text, DateTimeOffset Expires);

/// <summary>
/// Makes and checks tokens: JWTs signed with HMAC-SHA-256. A token only says who somebody is; whether the user is still
/// there, what they may do, and whether the token was ended, is looked up for every request. A token dies with the
/// password that it was got with, and a tenant token with the user token.
/// </summary>
public sealed class TokenService(byte[] key, TimeSpan lifetime, UserDirectory directory, Revocations revocations, TimeProvider time)
{
    private const string Issuer = "ponycloud";
    private const string TenantClaim = "tenant";
    private const string CredentialClaim = "cred";

    // In milliseconds, since the seconds of iat cannot tell a login from the revocation right before it.
    private const string MadeClaim = "made";
    private const int MaxTokenLength = 4096;
    private const int MaxCached = 10_000;

    private readonly JsonWebTokenHandler _handler = new();
    private readonly SymmetricSecurityKey _key = new(key);
    private readonly TokenValidationParameters _parameters = new()
    {
        IssuerSigningKey = new SymmetricSecurityKey(key),
        ValidAlgorithms = [SecurityAlgorithms.HmacSha256],
        ValidIssuer = Issuer,
        ValidAudience = Issuer,
        // By the injected clock, below, and for cached tokens too.
        ValidateLifetime = false,
        RequireSignedTokens = true,
    };

    // Tokens whose signature was checked. A full cache starts anew, which is cheaper than keeping track of use.
    private readonly ConcurrentDictionary<string, Claims> _checked = new(StringComparer.Ordinal);

    private sealed record Claims(string Email, string? Tenant, string Credential, DateTimeOffset Made, TokenIdentity Token);

    /// <param name="tenant">The tenant that the token is for; null for a user token.</param>
    /// <param name="login">The user token that it is made with; null for a new login.</param>
    public IssuedToken Issue(UserDesired user, string? tenant, TokenIdentity? login = null)
    {
        var now = time.GetUtcNow();
        var expires = DateTimeOffset.FromUnixTimeSeconds((now + lifetime).ToUnixTimeSeconds());
        if (login is not null && login.Expires < expires)
            expires = login.Expires;
        var id = Guid.NewGuid();
        var claims = new Dictionary<string, object>
        {
            [JwtRegisteredClaimNames.Sub] = user.Email,
            [JwtRegisteredClaimNames.Jti] = id.ToString(),
            [JwtRegisteredClaimNames.Sid] = (login?.Session ?? id).ToString(),
            [CredentialClaim] = Fingerprint(user),
            [MadeClaim] = now.ToUnixTimeMilliseconds(),
        };
        if (tenant is not null)
            claims.Add(TenantClaim, tenant);
        var text = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Issuer,
            IssuedAt = now.UtcDateTime,
            NotBefore = now.UtcDateTime,
            Expires = expires.UtcDateTime,
            Claims = claims,
            SigningCredentials = new SigningCredentials(_key, SecurityAlgorithms.HmacSha256),
        });
        return new IssuedToken(text, expires);
    }

    /// <summary>Who the token stands for now; null when it is not valid (any more).</summary>
    public async ValueTask<Caller?> FindCallerAsync(string token, StateSnapshot snapshot)
    {
        if (!_checked.TryGetValue(token, out var claims))
        {
            if (token.Length > MaxTokenLength || await ReadAsync(token) is not { } read)
                return null;
            if (_checked.Count >= MaxCached)
                _checked.Clear();
            _checked.TryAdd(token, claims = read);
        }
        if (claims.Token.Expires <= time.GetUtcNow())
        {
            _checked.TryRemove(token, out _);
            return null;
        }
        if (revocations.Has(snapshot, claims.Token)
            || directory.FindUser(snapshot, claims.Email) is not { } user
            || Fingerprint(user) != claims.Credential
            || claims.Made < user.TokensValidFrom
            || directory.CallerFor(snapshot, user, claims.Tenant) is not { } caller)
        {
            return null;
        }
        return caller with { Token = claims.Token };
    }

    private async Task<Claims?> ReadAsync(string text)
    {
        var result = await _handler.ValidateTokenAsync(text, _parameters);
        if (!result.IsValid || result.SecurityToken is not JsonWebToken token)
            return null;
        return token.TryGetPayloadValue<string>(JwtRegisteredClaimNames.Sub, out var email)
            && token.TryGetPayloadValue<string>(CredentialClaim, out var credential)
            && token.TryGetPayloadValue<long>(JwtRegisteredClaimNames.Exp, out var expires)
            && token.TryGetPayloadValue<long>(MadeClaim, out var made)
            && Uuid(token, JwtRegisteredClaimNames.Jti) is { } id
            && Uuid(token, JwtRegisteredClaimNames.Sid) is { } session
                ? new Claims(
                    email,
                    token.TryGetPayloadValue<string>(TenantClaim, out var tenant) ? tenant : null,
                    credential,
                    DateTimeOffset.FromUnixTimeMilliseconds(made),
                    new TokenIdentity(id, session, DateTimeOffset.FromUnixTimeSeconds(expires)))
                : null;
    }

    private static Guid? Uuid(JsonWebToken token, string claim) =>
        token.TryGetPayloadValue<string>(claim, out var text) && Guid.TryParseExact(text, "D", out var uuid) ? uuid : null;

    // Half of a hash of the salted hash: enough to notice another password, and of no use to find one.
    private static string Fingerprint(UserDesired user)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(user.Data?.Text ?? ""), hash);
        return Convert.ToHexString(hash[..16]);
    }
}
