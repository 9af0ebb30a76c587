namespace PonyCloud.Shared.Entities;

/// <summary>
/// The one declaration of an entity, from which come its in-memory table, its checks against the database, its wire
/// form, the hosts it is sent to and its API endpoints.
/// </summary>
public sealed class Entity
{
    private readonly Column[] _desiredKey;
    private readonly Column[] _currentKey;

    internal Entity(EntityBuilder builder)
    {
        Name = builder.Name;
        Summary = builder.Summary;
        KeyColumns = builder.KeyColumns;
        IsKeyMadeByPlatform = builder.IsKeyMadeByPlatform;
        IsStored = builder.IsStored;
        IsWrittenByPlatform = builder.IsWrittenByPlatform;
        Desired = builder.DesiredType is { } desired ? new PartDeclaration(desired) : null;
        Current = builder.CurrentType is { } current ? new PartDeclaration(current) : null;
        Indexes = builder.Indexes;
        IndexedColumns = [.. Indexes.Select(name => (Desired?.Column(name), Current?.Column(name)))];
        Mounts = builder.Mounts;
        Scopes = builder.Scopes;
        ReportedBy = builder.ReportedBy;
        WrittenAfter = builder.After;
        _desiredKey = KeyOf(Desired);
        _currentKey = KeyOf(Current);
    }

    /// <summary>The name of the table, and of the columns in other tables that refer to it.</summary>
    public string Name { get; }

    public string Summary { get; }

    public IReadOnlyList<string> KeyColumns { get; }

    /// <summary>The key is a uuid that the platform makes when a row is created; otherwise the client gives it.</summary>
    public bool IsKeyMadeByPlatform { get; }

    /// <summary>The desired part is a table of the database.</summary>
    public bool IsStored { get; }

    /// <summary>The API only reads the rows; a room of the controller writes them.</summary>
    public bool IsWrittenByPlatform { get; }

    public PartDeclaration? Desired { get; }

    public PartDeclaration? Current { get; }

    /// <summary>Columns with a secondary index over both parts.</summary>
    public IReadOnlyList<string> Indexes { get; }

    /// <summary>Those of <see cref="Indexes"/> in each part; a part may lack one.</summary>
    internal IReadOnlyList<(Column? Desired, Column? Current)> IndexedColumns { get; }

    public IReadOnlyList<Mount> Mounts { get; }

    public IReadOnlyList<HostScope> Scopes { get; }

    /// <summary>
    /// The key column that names the host which reports the current part; null when no host reports it. A host can
    /// report rows of its own name only.
    /// </summary>
    public string? ReportedBy { get; }

    /// <summary>An entity whose new rows are written before this one's, although it does not refer to them; null for none.</summary>
    public string? WrittenAfter { get; }

    /// <summary>The place of the entity in its catalog, from 0.</summary>
    public int Ordinal { get; internal set; }

    public PartDeclaration? Part(RowPart part) => part == RowPart.Desired ? Desired : Current;

    /// <summary>The key that a record of a part carries.</summary>
    public RowKey KeyOf(RowPart part, object record)
    {
        var columns = part == RowPart.Desired ? _desiredKey : _currentKey;
        if (columns.Length == 1)
            return columns[0].Get(record) is Guid uuid ? RowKey.Of(uuid) : RowKey.Of(columns[0].IndexText(record) ?? "");
        var parts = new string[columns.Length];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = columns[i].IndexText(record) ?? "";
        return RowKey.Of(parts);
    }

    /// <summary>The uuid of the host that reports a row with this key; null when no host does.</summary>
    public string? ReporterOf(RowKey key)
    {
        for (var i = 0; i < KeyColumns.Count; i++)
        {
            if (KeyColumns[i] == ReportedBy)
                return key.Parts[i];
        }
        return null;
    }

    public override string ToString() => Name;

    private Column[] KeyOf(PartDeclaration? part) =>
        part is null ? [] : [.. KeyColumns.Select(name => part.Column(name)
            ?? throw new InvalidOperationException($"{Name}: {part.Type.Name} lacks the key column {name}."))];
}
