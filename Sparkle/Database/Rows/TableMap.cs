using System.Collections.Immutable;
using Npgsql;
using NpgsqlTypes;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Database.Rows;

/// <summary>One stored entity and its table: statements, parameters, and records made of column texts.</summary>
public sealed class TableMap
{
    private readonly Column[] _columns;

    public TableMap(Entity entity)
    {
        Entity = entity;
        Part = entity.Desired ?? throw new ArgumentException($"{entity} is not stored.", nameof(entity));
        _columns = [.. Part.Columns];
        Table = $"public.{Quote(entity.Name)}";
        KeyColumns = [.. entity.KeyColumns.Select(name => Part.Column(name)!)];
        Select = $"SELECT {string.Join(", ", Part.Columns.Select(column => $"{Quote(column.Name)}::text"))} FROM {Table}";
        CopyOut = $"COPY (SELECT {string.Join(", ", Part.Columns.Select(column => Quote(column.Name)))} FROM {Table}) TO STDOUT";
        KeyCondition = string.Join(" AND ", KeyColumns.Select((column, i) => $"{Quote(column.Name)} = {Value(column, i + 1)}"));
        Insert = $"INSERT INTO {Table} ({string.Join(", ", Part.Columns.Select(column => Quote(column.Name)))}) "
            + $"VALUES ({string.Join(", ", Part.Columns.Select((column, i) => Value(column, i + 1)))})";
        Delete = $"DELETE FROM {Table} WHERE {KeyCondition}";
    }

    public Entity Entity { get; }

    public PartDeclaration Part { get; }

    public ImmutableArray<Column> KeyColumns { get; }

    /// <summary>The table with its schema, quoted.</summary>
    public string Table { get; }

    /// <summary>All columns as text, in the order of the record.</summary>
    public string Select { get; }

    /// <summary>All rows with their columns as text, in the order of the record.</summary>
    public string CopyOut { get; }

    /// <summary>The row with a key, whose parts are the first parameters.</summary>
    public string KeyCondition { get; }

    /// <summary>Every column is a parameter, in the order of the record.</summary>
    public string Insert { get; }

    public string Delete { get; }

    public static string Quote(string identifier) => $"\"{identifier.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A parameter that carries the text of a column's value.</summary>
    public static string Value(Column column, int parameter) => $"CAST(${parameter} AS {PostgresText.TypeOf(column.Kind)})";

    public static NpgsqlParameter Parameter(string? text) =>
        new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    public static IEnumerable<NpgsqlParameter> KeyParameters(RowKey key) => key.Parts.Select(Parameter);

    public IEnumerable<NpgsqlParameter> Parameters(object record) =>
        Part.Columns.Select(column => Parameter(PostgresText.Format(column, column.Get(record))));

    /// <summary>A record of one row.</summary>
    /// <exception cref="FormatException">The row is none of this entity.</exception>
    public object Record(IRowText row)
    {
        var record = Part.New();
        for (var i = 0; i < _columns.Length; i++)
        {
            var column = _columns[i];
            if (row.TryGet(i, out var text))
                column.Set(record, PostgresText.Parse(column, text));
            else if (column.IsNullable)
                column.Set(record, null);
            else
                throw new FormatException($"The database holds no {column.Name} of a {Entity.Name}.");
        }
        return record;
    }

    /// <summary>The columns in which two records differ once they are stored.</summary>
    public IEnumerable<Column> Difference(object left, object right) => Part.Columns.Where(column =>
        !Equals(PostgresText.Stored(column, column.Get(left)), PostgresText.Stored(column, column.Get(right))));
}

/// <summary>The maps of all stored entities.</summary>
public sealed class TableMaps
{
    private readonly Dictionary<string, TableMap> _byName;

    public TableMaps(EntityCatalog catalog)
    {
        InDependencyOrder = [.. catalog.InDependencyOrder.Select(entity => new TableMap(entity))];
        _byName = InDependencyOrder.ToDictionary(map => map.Entity.Name, StringComparer.Ordinal);
    }

    /// <summary>Every table behind those that it refers to.</summary>
    public ImmutableArray<TableMap> InDependencyOrder { get; }

    public TableMap this[Entity entity] => _byName[entity.Name];

    public TableMap? Find(string table) => _byName.GetValueOrDefault(table);

    public int OrderOf(Entity entity) => InDependencyOrder.IndexOf(this[entity]);
}
