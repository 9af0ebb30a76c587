namespace PonyCloud.Shared.Entities;

/// <summary>A class with one entity's declaration; the catalog finds every one of them in this assembly.</summary>
public interface IEntityDeclaration
{
    Entity Declare();
}

/// <summary>Puts a declaration together; see the entities beside it for how it reads.</summary>
public sealed class EntityBuilder
{
    private readonly List<string> _indexes = [];
    private readonly List<Mount> _mounts = [];
    private readonly List<HostScope> _scopes = [];

    private EntityBuilder(string name, string summary)
    {
        Name = name;
        Summary = summary;
    }

    internal string Name { get; }

    internal string Summary { get; }

    internal IReadOnlyList<string> KeyColumns { get; private set; } = [];

    internal bool IsKeyMadeByPlatform { get; private set; }

    internal bool IsStored { get; private set; }

    internal bool IsWrittenByPlatform { get; private set; }

    internal Type? DesiredType { get; private set; }

    internal Type? CurrentType { get; private set; }

    internal string? ReportedBy { get; private set; }

    internal string? After { get; private set; }

    internal IReadOnlyList<string> Indexes => _indexes;

    internal IReadOnlyList<Mount> Mounts => _mounts;

    internal IReadOnlyList<HostScope> Scopes => _scopes;

    public static EntityBuilder Named(string name, string summary) => new(name, summary);

    /// <summary>The key is the column <c>uuid</c>, made by the platform unless the client names a row by one of its own.</summary>
    public EntityBuilder KeyedByNewUuid()
    {
        KeyColumns = ["uuid"];
        IsKeyMadeByPlatform = true;
        return this;
    }

    /// <summary>The key is given by whoever makes the row.</summary>
    public EntityBuilder KeyedBy(params string[] columns)
    {
        KeyColumns = columns;
        return this;
    }

    /// <summary>The desired part is a row of the database table with the entity's name.</summary>
    public EntityBuilder Stored<TDesired>()
        where TDesired : class
    {
        DesiredType = typeof(TDesired);
        IsStored = true;
        return this;
    }

    /// <summary>The desired part, derived by the controller from other rows for the hosts that are sent it; no table has it.</summary>
    public EntityBuilder DerivedOrder<TDesired>()
        where TDesired : class
    {
        DesiredType = typeof(TDesired);
        return this;
    }

    /// <summary>The current part, reported by the host that a key column names.</summary>
    public EntityBuilder Reported<TCurrent>(string by)
        where TCurrent : class
    {
        CurrentType = typeof(TCurrent);
        ReportedBy = by;
        return this;
    }

    /// <summary>The current part, derived by the controller from what hosts report elsewhere.</summary>
    public EntityBuilder Derived<TCurrent>()
        where TCurrent : class
    {
        CurrentType = typeof(TCurrent);
        return this;
    }

    /// <summary>The API only reads the rows; a room of the controller writes them.</summary>
    public EntityBuilder WrittenByPlatform()
    {
        IsWrittenByPlatform = true;
        return this;
    }

    /// <summary>New rows are written behind those of another entity, since the schema's rules look there without a reference.</summary>
    public EntityBuilder WrittenAfter(string entity)
    {
        After = entity;
        return this;
    }

    public EntityBuilder Index(params string[] columns)
    {
        _indexes.AddRange(columns);
        return this;
    }

    /// <inheritdoc cref="Entities.Mount"/>
    public EntityBuilder Mount(string path, Access access, string? through = null, string? whereNull = null, params string[] hidden)
    {
        _mounts.Add(new Mount(path, access, through, whereNull, hidden));
        return this;
    }

    public EntityBuilder SentToHost(params HostScope[] scopes)
    {
        _scopes.AddRange(scopes);
        return this;
    }

    public Entity Build() => new(this);
}
