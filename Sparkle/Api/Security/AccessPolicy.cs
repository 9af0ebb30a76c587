using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api.Security;

/// <summary>What a request wants to do with a row, or with a collection.</summary>
public enum Operation
{
    Read,

    /// <summary>New rows. A patch of a collection, which may also remove rows, counts as this.</summary>
    Create,
    Change,
    Delete,
}

public enum Verdict
{
    Allowed,

    /// <summary>The caller must not learn whether it exists.</summary>
    NotFound,

    /// <summary>The caller may know that it is there.</summary>
    Forbidden,
}

/// <param name="Why">Why not, in words; empty when it is allowed.</param>
public readonly record struct Decision(Verdict Verdict, string Why)
{
    public static readonly Decision Allowed = new(Verdict.Allowed, "");
    public static readonly Decision NotFound = new(Verdict.NotFound, "There is no such row.");

    public static Decision Forbidden(string why) => new(Verdict.Forbidden, why);
}

/// <summary>
/// Who may do what: the one place that decides it, from nothing but the access modes that the catalog declares. It
/// decides from the path before any row is looked at, so that a foreign row answers in the same way, and in the same
/// time, as one that does not exist.
/// </summary>
public sealed class AccessPolicy(ResourceTree tree)
{
    private const string OperatorsOnly = "Only operators of the platform may do this.";

    public EntityCatalog Catalog => tree.Catalog;

    public static Decision Decide(Caller caller, ResourcePath path, Operation operation) =>
        Decide(caller, path.Node, path.Tenant, path.User, operation);

    /// <param name="tenant">The tenant that the path names, if it names one.</param>
    /// <param name="user">The user that the path names, if it names one.</param>
    public static Decision Decide(Caller caller, ResourceNode node, string? tenant, string? user, Operation operation)
    {
        var access = node.Mount.Access;
        if (access == Access.Private)
            return Decision.NotFound;
        if (caller.IsAlicorn)
            return Decision.Allowed;
        return access switch
        {
            Access.Shared => operation == Operation.Read ? Decision.Allowed : Decision.Forbidden(OperatorsOnly),
            Access.TenantOwner or Access.TenantUser when node.TenantDepth == node.Depth => DecideTenant(caller, tenant, operation),
            Access.TenantOwner or Access.TenantUser or Access.TenantReadOnly => DecideInTenant(caller, tenant, access, operation),
            Access.UserReadWrite or Access.UserReadOnly => DecideUser(caller, node, user, operation),
            _ => Decision.Forbidden(OperatorsOnly),
        };
    }

    /// <summary>
    /// The caller, without what decides nothing about reading: all with the same one read the same. Deciding for it
    /// allows no more than deciding for the caller.
    /// </summary>
    public static Caller ReaderOf(Caller caller) =>
        caller.IsAlicorn || caller.Tenant is not null
            ? caller with { Email = "", Memberships = [], Token = null }
            : caller with { Token = null };

    /// <summary>The keys of the rows that a collection lists for a caller who may read it; null for all rows.</summary>
    public static IReadOnlyCollection<string>? ListedKeys(Caller caller, ResourceNode node)
    {
        if (caller.IsAlicorn)
            return null;
        if (node.Mount.Access is Access.TenantUser or Access.TenantOwner && node.TenantDepth == node.Depth)
            return caller.Tenant is null ? caller.Memberships : [caller.Tenant];
        return node.Mount.Access is Access.UserReadWrite or Access.UserReadOnly && node.UserDepth == node.Depth ? [caller.Email] : null;
    }

    /// <summary>Where the caller may see the row, and sees the most of it; null when nowhere.</summary>
    public ResourceNode? FindView(Caller caller, StateSnapshot snapshot, Entity entity, Row row)
    {
        ResourceNode? best = null;
        foreach (var node in tree.NodesOf(entity))
        {
            if ((best is null || node.Mount.Hidden.Count < best.Mount.Hidden.Count) && Sees(caller, snapshot, node, row))
                best = node;
        }
        return best;
    }

    /// <summary>
    /// Whether a value may refer to a row: it is there, and the caller can see it. Users are the exception: whoever may
    /// make members names a user by the email address, without seeing the user.
    /// </summary>
    public bool CanReferTo(Caller caller, StateSnapshot snapshot, Entity entity, string key)
    {
        if (!RowKey.IsValidPart(key))
            return false;
        var row = snapshot[entity].Find(RowKey.Of(key));
        if (row is null || (entity.IsStored && row.Desired is null))
            return false;
        return caller.IsAlicorn || entity.Name == "user" || FindView(caller, snapshot, entity, row) is not null;
    }

    private static bool Sees(Caller caller, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        var found = row;
        string? tenant = null;
        string? user = null;
        for (var at = node; ; at = at.Parent)
        {
            var parentKey = at.Parent is null ? null : at.ParentKeyOf(found);
            if (!at.Holds(found, parentKey))
                return false;
            if (at.TenantDepth == at.Depth)
                tenant = found.Key.Text;
            if (at.UserDepth == at.Depth)
                user = found.Key.Text;
            if (at.Parent is null)
                break;
            if (parentKey is null || snapshot[at.Parent.Entity].Find(RowKey.Of(parentKey)) is not { } parent)
                return false;
            found = parent;
        }
        return Decide(caller, node, tenant, user, Operation.Read).Verdict == Verdict.Allowed;
    }

    private static Decision DecideTenant(Caller caller, string? tenant, Operation operation)
    {
        if (tenant is null)
            return operation == Operation.Read ? Decision.Allowed : Decision.Forbidden(OperatorsOnly);
        if (caller.Tenant is null)
        {
            if (!caller.Memberships.Contains(tenant))
                return Decision.NotFound;
            return operation == Operation.Read ? Decision.Allowed : Decision.Forbidden("This needs a token for the tenant.");
        }
        if (caller.Tenant != tenant)
            return Decision.NotFound;
        return operation switch
        {
            Operation.Read => Decision.Allowed,
            Operation.Change => caller.Role == MemberRole.Owner
                ? Decision.Allowed
                : Decision.Forbidden("Only an owner may change the tenant."),
            _ => Decision.Forbidden(OperatorsOnly),
        };
    }

    private static Decision DecideInTenant(Caller caller, string? tenant, Access access, Operation operation)
    {
        if (tenant is null || (caller.Tenant ?? tenant) != tenant)
            return Decision.NotFound;
        if (caller.Tenant is null)
        {
            return caller.Memberships.Contains(tenant)
                ? Decision.Forbidden("This needs a token for the tenant.")
                : Decision.NotFound;
        }
        if (access == Access.TenantOwner && caller.Role != MemberRole.Owner)
            return Decision.Forbidden("Only an owner of the tenant may do this.");
        if (operation != Operation.Read && access == Access.TenantReadOnly)
            return Decision.Forbidden(OperatorsOnly);
        if (operation != Operation.Read && caller.Role == MemberRole.Operator)
            return Decision.Forbidden("An operator of a tenant only reads.");
        return Decision.Allowed;
    }

    private static Decision DecideUser(Caller caller, ResourceNode node, string? user, Operation operation)
    {
        // A tenant token is given to programs that work for the tenant; what concerns the user is none of their business.
        if (caller.Tenant is not null)
            return Decision.Forbidden("This needs a token of the user, not of a tenant.");
        if (user is null)
            return operation == Operation.Read ? Decision.Allowed : Decision.Forbidden(OperatorsOnly);
        if (user != caller.Email)
            return Decision.NotFound;
        if (operation == Operation.Read)
            return Decision.Allowed;
        if (node.Mount.Access == Access.UserReadOnly)
            return Decision.Forbidden("The user only reads this.");
        return node.UserDepth == node.Depth && operation != Operation.Change
            ? Decision.Forbidden(OperatorsOnly)
            : Decision.Allowed;
    }
}
