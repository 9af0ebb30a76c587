using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Walks a tree of new rows and gives every one its key, so that afterwards each may refer to any other, in whatever
/// order they stand in the request.
/// </summary>
internal sealed class DraftReader(Func<Guid> newUuid, TemplateReader templates)
{
    /// <summary>The name of the outermost row in the answer, when the request gives it none.</summary>
    public const string DefaultName = "POST";

    /// <param name="name">The name that the request gives the row; null when it gives none.</param>
    /// <param name="under">The tenant and the user in the path of the request.</param>
    /// <returns>The key of the row as its path shows it, as far as it is known.</returns>
    public string? Read(
        ResourceNode node, JToken body, string pointer, string? name, string? parentKey, (string? Tenant, string? User) under,
        List<Draft> drafts, WriteScope scope)
    {
        if (body is not JObject row)
        {
            scope.Fail(pointer, ProblemKind.WrongType, "A row must be an object with the member desired.");
            return null;
        }
        var isFromTemplate = TemplateRows.AreTakenAt(node.Mount) && row.ContainsKey(TemplateReader.Member);
        foreach (var member in row.Properties().Where(member => member.Name is not ("desired" or "children")))
        {
            if (!isFromTemplate || member.Name != TemplateReader.Member)
                scope.Fail(Below(pointer, member.Name), ProblemKind.UnknownField, "A row has only the members desired and children.");
        }
        if (row["desired"] is not JObject desired)
        {
            var kind = row.ContainsKey("desired") ? ProblemKind.WrongType : ProblemKind.MissingField;
            scope.Fail($"{pointer}/desired", kind, "A row needs the member desired, an object.");
            return null;
        }
        if (isFromTemplate)
            return ReadFromTemplate(node, row, pointer, name, parentKey, under, drafts, scope);
        var key = Add(node, desired, pointer, name, parentKey, null, drafts, scope);
        if (row["children"] is { } children)
            ReadChildren(node, children, $"{pointer}/children", key, under, drafts, scope);
        return key;
    }

    private string? Add(
        ResourceNode node, JObject desired, string pointer, string? name, string? parentKey, RowOrigin? origin, List<Draft> drafts, WriteScope scope)
    {
        var key = node.Entity.IsKeyMadeByPlatform
            ? PlatformKey(node, desired, pointer, name, scope)
            : ClientKey(node, desired, pointer, name, scope);
        if (key is not null)
            scope.NewRows.Add((node.Entity, key));
        // Its own name is no value of the key's column, but stands for one.
        if (node.Entity.IsKeyMadeByPlatform && key is not null && desired[node.KeyColumn] is not null)
            desired[node.KeyColumn] = key;
        drafts.Add(new Draft(node, desired, pointer, key, parentKey, origin));
        return key;
    }

    // What the template makes comes before what the request has in addition: the platform numbers that behind it.
    private string? ReadFromTemplate(
        ResourceNode node, JObject row, string pointer, string? name, string? parentKey, (string? Tenant, string? User) under,
        List<Draft> drafts, WriteScope scope)
    {
        if (templates.Expand(row, pointer, name ?? DefaultName, parentKey, scope) is not { } expansion)
            return null;
        var key = Add(node, expansion.Desired, pointer, name, parentKey, expansion.Origin, drafts, scope);
        ReadMade(node.Parent!, expansion.Volumes, parentKey, under, drafts, scope);
        ReadMade(node, expansion.Children, key, under, drafts, scope);
        if (expansion.Asked is { } children)
            ReadChildren(node, children, $"{pointer}/children", key, under, drafts, scope);
        return key;
    }

    private void ReadMade(
        ResourceNode parent, IEnumerable<MadeRow> rows, string? parentKey, (string? Tenant, string? User) under, List<Draft> drafts, WriteScope scope)
    {
        foreach (var row in rows)
        {
            var node = parent.Child(row.Collection) ?? throw new InvalidOperationException($"{parent.Mount.Path} has no {row.Collection}.");
            var decision = AccessPolicy.Decide(scope.Caller, node, under.Tenant, under.User, Operation.Create);
            if (decision.Verdict != Verdict.Allowed)
            {
                scope.Fail(row.Origin.Template, ProblemKind.Forbidden, row.Origin.Describe(decision.Why));
                continue;
            }
            var key = Add(node, row.Desired, row.Pointer, row.Name, parentKey, row.Origin, drafts, scope);
            ReadMade(node, row.Children, key, under, drafts, scope);
            if (row.Asked is { } children)
                ReadChildren(node, children, $"{row.Pointer}/children", key, under, drafts, scope);
        }
    }

    private void ReadChildren(
        ResourceNode node, JToken children, string pointer, string? key, (string? Tenant, string? User) under,
        List<Draft> drafts, WriteScope scope)
    {
        if (children is not JObject collections)
        {
            scope.Fail(pointer, ProblemKind.WrongType, "The children must be an object of collections.");
            return;
        }
        under = (node.TenantDepth == node.Depth ? key : under.Tenant, node.UserDepth == node.Depth ? key : under.User);
        foreach (var collection in collections.Properties())
        {
            var place = Below(pointer, collection.Name);
            if (node.Child(collection.Name) is not { IsWritable: true, Mount.Access: not Access.Private } child)
            {
                scope.Fail(place, ProblemKind.UnknownField, $"{node.Entity.Name} has no such children that could be made.");
                continue;
            }
            if (collection.Value is not JObject rows)
            {
                scope.Fail(place, ProblemKind.WrongType, "A collection must be an object of rows.");
                continue;
            }
            var decision = AccessPolicy.Decide(scope.Caller, child, under.Tenant, under.User, Operation.Create);
            if (decision.Verdict != Verdict.Allowed)
            {
                scope.Fail(place, ProblemKind.Forbidden, decision.Why);
                continue;
            }
            foreach (var row in rows.Properties())
                Read(child, row.Value, Below(place, row.Name), row.Name, key, under, drafts, scope);
        }
    }

    private string? PlatformKey(ResourceNode node, JObject desired, string pointer, string? name, WriteScope scope)
    {
        var place = $"{pointer}/desired/{node.KeyColumn}";
        if (desired[node.KeyColumn] is { } token)
        {
            if (token is not JValue { Value: string text })
            {
                scope.Fail(place, ProblemKind.WrongType, $"{node.KeyColumn} must be a text.");
                return null;
            }
            if (name is not null && name != text)
            {
                scope.Fail(place, ProblemKind.Contradiction, $"{node.KeyColumn} is another one in the name of the row.");
                return null;
            }
            name = text;
        }
        if (name is not null && Guid.TryParseExact(name, "D", out var uuid))
        {
            // Otherwise a tenant could find out whether a foreign row has this uuid.
            if (!scope.Caller.IsAlicorn)
                scope.Fail(place, ProblemKind.OperatorOnly, $"The platform makes the {node.KeyColumn}; only its operators choose one.");
            return uuid.ToString();
        }
        name ??= DefaultName;
        var key = newUuid().ToString();
        Name(name, node.Entity, key, pointer, scope);
        return key;
    }

    // Only where such a key is well-formed; what is wrong with another one is said when the record is read.
    private static string? ClientKey(ResourceNode node, JObject desired, string pointer, string? name, WriteScope scope)
    {
        var own = desired[node.KeyColumn] is JValue { Value: string text } ? text : null;
        if (name is null || own == name)
            return own is null ? null : node.Normalize(own);
        if (own is null)
            return desired.ContainsKey(node.KeyColumn) ? null : node.Normalize(name) ?? Reject(node, pointer, scope);
        if (!name.StartsWith('$'))
        {
            scope.Fail(
                $"{pointer}/desired/{node.KeyColumn}", ProblemKind.Contradiction, $"{node.KeyColumn} is another one in the name of the row.");
            return null;
        }
        var key = node.Normalize(own);
        if (key is not null)
            Name(name, node.Entity, key, pointer, scope);
        return key;
    }

    private static string? Reject(ResourceNode node, string pointer, WriteScope scope)
    {
        scope.Fail(pointer, ProblemKind.BadFormat, $"The name of the row cannot be its {node.KeyColumn}.");
        return null;
    }

    private static void Name(string name, Entity entity, string key, string pointer, WriteScope scope)
    {
        if (!scope.Names.TryAdd(name, (entity, key)))
            scope.Fail(pointer, ProblemKind.Contradiction, "Two rows of the request have the same name.");
    }

    private static string Below(string pointer, string member) => $"{pointer}/{JsonPointer.Escape(member)}";
}
