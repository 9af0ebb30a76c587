using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>Finds users and their roles in a snapshot.</summary>
public sealed class UserDirectory(EntityCatalog catalog)
{
    private readonly Entity _users = catalog["user"];
    private readonly Entity _tenants = catalog["tenant"];
    private readonly Entity _members = catalog["member"];

    public UserDesired? FindUser(StateSnapshot snapshot, string email) =>
        RowKey.IsValidPart(email) ? snapshot[_users].Find(RowKey.Of(email))?.Desired as UserDesired : null;

    public IEnumerable<UserDesired> Users(StateSnapshot snapshot) =>
        snapshot[_users].Rows.Select(row => row.Desired).OfType<UserDesired>();

    /// <summary>The caller that a user's token makes; for a tenant token null when the user may not act for the tenant (any more).</summary>
    /// <param name="tenant">The tenant's uuid in its normal form; null for a user token.</param>
    public Caller? CallerFor(StateSnapshot snapshot, UserDesired user, string? tenant)
    {
        if (tenant is null)
            return new Caller(user.Email, user.Alicorn, null, null) { Memberships = user.Alicorn ? [] : Memberships(snapshot, user) };
        if (snapshot[_tenants].Find(RowKey.Of(tenant))?.Desired is null)
            return null;
        var role = user.Alicorn ? MemberRole.Owner : RoleIn(snapshot, user, tenant);
        return role is null ? null : new Caller(user.Email, false, tenant, role);
    }

    private MemberRole? RoleIn(StateSnapshot snapshot, UserDesired user, string tenant)
    {
        foreach (var row in snapshot[_members].Where("user", user.Email))
        {
            if (row.Desired is MemberDesired member && member.Tenant.ToString() == tenant)
                return member.Role;
        }
        return null;
    }

    private List<string> Memberships(StateSnapshot snapshot, UserDesired user)
    {
        var tenants = new List<string>();
        foreach (var row in snapshot[_members].Where("user", user.Email))
        {
            if (row.Desired is MemberDesired member)
                tenants.Add(member.Tenant.ToString());
        }
        return tenants;
    }
}
