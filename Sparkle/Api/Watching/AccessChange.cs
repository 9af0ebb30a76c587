using System.Collections.Immutable;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>
/// A change after which some tokens may read other rows than before. Nobody works out which: their streams end, and the
/// clients read again. It happens when people come and go, not while the platform works.
/// </summary>
/// <param name="User">Only this user's tokens; null for everybody's.</param>
/// <param name="Tenant">Only tokens for this tenant, and users' own; null for any.</param>
internal readonly record struct AccessChange(string? User, string? Tenant)
{
    public bool Concerns(Caller caller) =>
        (User is null || User == caller.Email) && (Tenant is null || caller.Tenant == Tenant || (caller.Tenant is null && User is not null));

    public static ImmutableArray<AccessChange> Of(IReadOnlyList<RowTransition> rows)
    {
        ImmutableArray<AccessChange>.Builder? found = null;
        foreach (var row in rows)
        {
            if (!row.Changed(RowPart.Desired))
                continue;
            switch ((row.Before ?? row.After)!.Desired ?? row.After?.Desired)
            {
                case UserDesired user:
                    Add(new AccessChange(user.Email, null));
                    break;
                case MemberDesired:
                    foreach (var member in new[] { row.Before?.Desired, row.After?.Desired }.OfType<MemberDesired>())
                        Add(new AccessChange(member.User, member.Tenant.ToString()));
                    break;
                case TenantDesired tenant when row.Before?.Desired is null || row.After?.Desired is null:
                    Add(new AccessChange(null, tenant.Uuid.ToString()));
                    break;
            }
        }
        return found?.ToImmutable() ?? [];

        void Add(AccessChange change) => (found ??= ImmutableArray.CreateBuilder<AccessChange>()).Add(change);
    }
}
