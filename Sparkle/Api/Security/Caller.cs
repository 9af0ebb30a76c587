using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Who makes a request, as memory knows them at this moment.</summary>
/// <param name="Email">The user.</param>
/// <param name="IsAlicorn">
/// An operator with a token of their own. With a tenant token an operator is an owner of that tenant and no more.
/// </param>
/// <param name="Tenant">The tenant that the token is for; null for a user token.</param>
/// <param name="Role">The role that the user has in that tenant now.</param>
public sealed record Caller(string Email, bool IsAlicorn, string? Tenant, MemberRole? Role)
{
    /// <summary>The tenants that the user of a user token is a member of.</summary>
    public IReadOnlyCollection<string> Memberships { get; init; } = [];

    /// <summary>The token that the request brought; null for a caller that no token made.</summary>
    public TokenIdentity? Token { get; init; }
}
