namespace PonyCloud.Twilight.Storage.Planning;

public enum SubjectKind
{
    Pool,
    Volume,
    Image,

    /// <summary>What only an operator knows.</summary>
    Orphan,
}

/// <summary>What an action is about: at most one runs for each.</summary>
/// <param name="Pool">The pool that it is in, or that it is.</param>
/// <param name="Name">The uuid; of an orphan its name in the pool.</param>
public readonly record struct StorageSubject(Guid Pool, SubjectKind Kind, string Name)
{
    public static StorageSubject OfPool(Guid pool) => new(pool, SubjectKind.Pool, pool.ToString());

    public static StorageSubject OfVolume(Guid pool, Guid volume) => new(pool, SubjectKind.Volume, volume.ToString());

    public static StorageSubject OfImage(Guid pool, Guid image) => new(pool, SubjectKind.Image, image.ToString());

    public static StorageSubject OfOrphan(Guid pool, string text) => new(pool, SubjectKind.Orphan, text);

    /// <summary>Whose action it is to touch an object of this name.</summary>
    public static StorageSubject Of(Guid pool, ObjectName name) =>
        name.Kind == ObjectKind.Volume ? OfVolume(pool, name.Uuid) : OfImage(pool, name.Uuid);

    public override string ToString() => $"{Kind.ToString().ToLowerInvariant()} {Name}";
}
