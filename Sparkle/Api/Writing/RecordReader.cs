using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Makes a desired record of the <c>desired</c> object of a request, and checks it by nothing but the entity's
/// declaration. It reports all that is wrong, not only the first.
/// </summary>
internal sealed class RecordReader(AccessPolicy policy, ValueReader values, PasswordReader passwords)
{
    /// <summary>The record of a row that is to be made.</summary>
    public object ReadNew(Draft draft, WriteScope scope)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        if (draft.Key is not null)
            given[draft.Node.KeyColumn] = draft.Key;
        if (draft.Node.Mount.ParentColumn is { } parent && draft.ParentKey is not null)
            given[parent] = draft.ParentKey;
        return Read(draft.Node, draft.Desired, $"{draft.Pointer}/desired", null, null, given, scope);
    }

    /// <summary>The record that a row is to become.</summary>
    /// <param name="before">How the row showed before. What is still the same is neither read nor checked again.</param>
    public object ReadChanged(
        ResourceNode node, JObject desired, JObject? before, object existing, string pointer, WriteScope scope)
    {
        var part = node.Entity.Desired!;
        var given = node.Entity.KeyColumns.Append(node.Mount.ParentColumn).OfType<string>().Distinct().ToDictionary(
            name => name, name => part.Column(name)!.IndexText(existing) ?? "", StringComparer.Ordinal);
        var record = Read(node, desired, $"{pointer}/desired", existing, before, given, scope);
        foreach (var column in part.Columns)
        {
            if (column.IsImmutable && !given.ContainsKey(column.Name) && !Equals(column.Get(existing), column.Get(record)))
                scope.Fail($"{pointer}/desired/{column.Name}", ProblemKind.ImmutableField, $"{column.Name} never changes.");
        }
        return record;
    }

    private object Read(
        ResourceNode node, JObject desired, string pointer, object? existing, JObject? before, Dictionary<string, string> given, WriteScope scope)
    {
        var part = node.Entity.Desired!;
        var record = part.New();
        var defaults = part.New();
        foreach (var member in desired.Properties())
        {
            if (part.Column(member.Name) is not { } column || !node.Takes(column))
                scope.Fail($"{pointer}/{JsonPointer.Escape(member.Name)}", ProblemKind.UnknownField, $"{node.Entity.Name} has no such field.");
        }
        foreach (var column in part.Columns)
        {
            var place = $"{pointer}/{column.Name}";
            var isTaken = node.Takes(column);
            if (existing is not null && before is not null && node.Shows(column) && IsSame(before[column.Name], desired[column.Name]))
            {
                column.Set(record, column.Get(existing));
            }
            else if (isTaken && desired[column.Name] is { } token)
            {
                var errors = scope.Errors.Count;
                var value = column.IsPassword
                    ? passwords.Read(column, token, place, NameOf(node, record), existing is null ? null : column.Get(existing) as JsonText, scope)
                    : values.Read(column, token, place, scope);
                if (scope.Errors.Count > errors)
                    continue;
                column.Set(record, value);
                CheckGiven(column, record, place, existing, given, scope);
                CheckReference(column, record, place, existing, scope);
            }
            else if (existing is not null && !node.Shows(column))
            {
                column.Set(record, column.Get(existing));
            }
            else if (existing is not null && given.ContainsKey(column.Name))
            {
                scope.Fail(place, ProblemKind.ImmutableField, $"{column.Name} never changes.");
            }
            else if (given.TryGetValue(column.Name, out var text))
            {
                // Checked like a value of the body, since a name in the request can be anything.
                column.Set(record, values.Read(column, new JValue(text), place, scope) ?? column.Get(record));
            }
            else if (column.IsRequired)
            {
                scope.Fail(place, ProblemKind.MissingField, $"{node.Entity.Name} needs {column.Name}.");
            }
            CheckOperatorOnly(column, record, place, existing ?? defaults, scope);
        }
        if (node.Mount.NullColumn is { } absent && part.Column(absent)?.Get(record) is not null)
            scope.Fail($"{pointer}/{absent}", ProblemKind.Contradiction, $"At this path {absent} must be absent.");
        return record;
    }

    // The key stands before the password in the record, so it has been read.
    private static string? NameOf(ResourceNode node, object record) => node.Entity.Desired!.Column(node.KeyColumn)!.IndexText(record);

    private static bool IsSame(JToken? before, JToken? after) =>
        before is null || after is null ? before is null && after is null : JsonPatch.AreEqual(before, after);

    private static void CheckGiven(
        Column column, object record, string pointer, object? existing, Dictionary<string, string> given, WriteScope scope)
    {
        if (!given.TryGetValue(column.Name, out var expected) || column.IndexText(record) == expected)
            return;
        if (existing is null)
            scope.Fail(pointer, ProblemKind.Contradiction, $"{column.Name} is another one in the path or in the name of the row.");
        else
            scope.Fail(pointer, ProblemKind.ImmutableField, $"{column.Name} never changes.");
    }

    private void CheckReference(Column column, object record, string pointer, object? existing, WriteScope scope)
    {
        if (column.References is not { } name || column.IndexText(record) is not { } key)
            return;
        // What the row refers to already may stay, whoever changes the rest of the row.
        if (existing is not null && column.IndexText(existing) == key)
            return;
        var entity = policy.Catalog[name];
        if (!scope.NewRows.Contains((entity, key)) && !policy.CanReferTo(scope.Caller, scope.Snapshot, entity, key))
            scope.Fail(pointer, ProblemKind.UnknownReference, $"There is no such {name}.");
    }

    private static void CheckOperatorOnly(Column column, object record, string pointer, object before, WriteScope scope)
    {
        if (column.IsOperatorOnly && !scope.Caller.IsAlicorn && !Equals(column.Get(record), column.Get(before)))
            scope.Fail(pointer, ProblemKind.OperatorOnly, $"Only an operator of the platform sets {column.Name}.");
    }
}
