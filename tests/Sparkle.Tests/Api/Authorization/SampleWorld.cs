using System.Security.Cryptography;
using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Tests.Api.Authorization;

/// <summary>
/// Rows of every entity for each of several owners, made from the declarations, so that a new entity is in every test of
/// rights without an edit. A row refers only to rows of the same owner.
/// </summary>
internal sealed class SampleWorld(ResourceTree tree, IReadOnlyDictionary<string, SampleWorld.Owner> owners)
{
    /// <param name="Tenant">Null for what belongs to no tenant.</param>
    /// <param name="User">Who the rows that name a user name.</param>
    internal sealed record Owner(Guid? Tenant, string User);

    /// <summary>All rows of an owner, those excepted that the fixture has made already.</summary>
    public IEnumerable<object> Rows(string owner)
    {
        foreach (var entity in tree.Catalog.All.Where(entity => entity.Name is not ("tenant" or "user")))
        {
            if (owners[owner].Tenant is not null || NeedsNoTenant(entity))
                yield return Record(entity, owner);
        }
    }

    /// <summary>Whether such a row can be there without a tenant.</summary>
    public static bool NeedsNoTenant(Entity entity) =>
        Part(entity).Columns.All(column => column.References is not "tenant" || column.IsNullable);

    /// <summary>The key of the owner's row, as a path shows it at the mount.</summary>
    public string Segment(ResourceNode node, string owner) => Key(node.Entity, node.KeyColumn, owner);

    /// <summary>The path of the mount's collection among the owner's rows, below the root of the API.</summary>
    public string Collection(ResourceNode node, string owner)
    {
        var segments = new List<string>();
        for (var at = node; at is not null; at = at.Parent)
        {
            if (at != node)
                segments.Add(Uri.EscapeDataString(Segment(at, owner)));
            segments.Add(at.Segment);
        }
        segments.Reverse();
        return $"{ApiEndpoint.Root}/{string.Join('/', segments)}";
    }

    public string Row(ResourceNode node, string owner) => $"{Collection(node, owner)}/{Uri.EscapeDataString(Segment(node, owner))}";

    private object Record(Entity entity, string owner)
    {
        var record = Part(entity).New();
        foreach (var column in Part(entity).Columns)
        {
            var key = entity.KeyColumns.Contains(column.Name) || column.References is not null || IsParent(entity, column)
                ? Key(entity, column.Name, owner)
                : "";
            if (key.Length > 0)
                column.Set(record, column.Kind == ColumnKind.Uuid ? Guid.Parse(key) : key);
            else if (column.IsRequired)
                column.Set(record, Sample(column));
        }
        return record;
    }

    private static PartDeclaration Part(Entity entity) => (entity.Desired ?? entity.Current)!;

    // An event is found under its host and its instance although it does not refer to them.
    private bool IsParent(Entity entity, Column column) => tree.NodesOf(entity).Any(node => node.Mount.ParentColumn == column.Name);

    private string Key(Entity entity, string columnName, string owner)
    {
        var column = Part(entity).Column(columnName)!;
        var of = column.References ?? (tree.Catalog.Find(columnName) is not null && !entity.KeyColumns.Contains(columnName) ? columnName : entity.Name);
        return of switch
        {
            "tenant" => owners[owner].Tenant?.ToString() ?? "",
            "user" => owners[owner].User,
            _ => KeyOf(tree.Catalog[of], owner),
        };
    }

    private static string KeyOf(Entity entity, string owner)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{entity.Name} of {owner}"));
        var column = Part(entity).Column(entity.KeyColumns[0])!;
        return column.Kind switch
        {
            ColumnKind.Uuid => new Guid(hash.AsSpan(0, 16)).ToString(),
            ColumnKind.HardwareAddress => $"02:{hash[0]:x2}:{hash[1]:x2}:{hash[2]:x2}:{hash[3]:x2}:{hash[4]:x2}",
            _ => Convert.ToHexStringLower(hash),
        };
    }

    private static object Sample(Column column) => column.Kind switch
    {
        ColumnKind.Uuid => Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a"),
        ColumnKind.Integer => (int)(column.Minimum ?? 1),
        ColumnKind.BigInteger => column.Minimum ?? 1,
        ColumnKind.Real => 1.0,
        ColumnKind.Boolean => false,
        ColumnKind.Enumeration => column.EnumValue(column.EnumNames.First())!,
        ColumnKind.Json => JsonText.Parse("{}"),
        ColumnKind.Timestamp => DateTimeOffset.UnixEpoch,
        ColumnKind.Range => new LongRange(0, 1),
        ColumnKind.TextList or ColumnKind.AddressList => TextList.Empty,
        _ when column.Type == typeof(string) => "sample",
        _ => throw new NotSupportedException($"{column.Name}: no sample of {column.Kind}."),
    };
}
