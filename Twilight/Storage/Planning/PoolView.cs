namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>A pool that the host has prepared, as it was last seen.</summary>
public sealed record PoolView
{
    private Dictionary<ObjectName, FoundObject>? _byName;
    private ILookup<(ObjectKind, Guid), FoundObject>? _byUuid;

    public required PoolDefinition Definition { get; init; }

    public required PoolAbilities Abilities { get; init; }

    /// <summary>The last scan that succeeded; null before the first.</summary>
    public PoolScan? Scan { get; init; }

    /// <summary>Why the last scan failed; null when it did not.</summary>
    public string? Why { get; init; }

    /// <summary>What was found inside of objects that matter.</summary>
    public IReadOnlyDictionary<ObjectName, ObjectDetails> Details { get; init; } = new Dictionary<ObjectName, ObjectDetails>();

    /// <summary>Why nobody could look inside of an object.</summary>
    public IReadOnlyDictionary<ObjectName, string> Troubles { get; init; } = new Dictionary<ObjectName, string>();

    public Guid Uuid => Definition.Pool.Uuid;

    /// <summary>Work can begin.</summary>
    public bool IsUsable => Scan is not null && Why is null;

    public IEnumerable<FoundObject> Objects => Scan?.Objects ?? [];

    public FoundObject? Find(ObjectName name) =>
        (_byName ??= Objects.Where(found => found.Name is not null).ToDictionary(found => found.Name!)).GetValueOrDefault(name);

    /// <summary>Everything of a volume or an image, whatever its generation and whoever makes it; in the order of names.</summary>
    public IEnumerable<FoundObject> Of(ObjectKind kind, Guid uuid) => (_byUuid ??= Objects
        .Where(found => found.Name is not null)
        .OrderBy(found => found.Text, StringComparer.Ordinal)
        .ToLookup(found => (found.Name!.Kind, found.Name.Uuid)))[(kind, uuid)];

    /// <summary>Whether the space of an object is there; where objects have no names, that is all that can be seen.</summary>
    public bool Holds(StorageObject target) => Scan is not null && (
        Abilities.Publishes ? Find(target.Name) is not null
        : Scan.Units is { } units ? target.Unit is { } unit && units.ContainsKey(unit)
        : Details.ContainsKey(target.Name));

    public string? PathOf(ObjectName name) => Details.GetValueOrDefault(name)?.Path
        ?? (Abilities.Publishes && Scan?.Path is { } path ? $"{path}/{name}" : null);
}
