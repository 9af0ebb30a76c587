using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What a volume is filled from.</summary>
public abstract record VolumeSource
{
    private VolumeSource()
    {
    }

    /// <summary>Zeros.</summary>
    public sealed record Empty : VolumeSource
    {
        public override string ToString() => "empty";
    }

    /// <summary>A copy of an image, in the volume's pool or in the host's staging.</summary>
    public sealed record Image(Guid Pool, Guid Copy) : VolumeSource
    {
        public override string ToString() => $"from image {Copy}";
    }

    public sealed record Volume(Guid Pool, StorageObject From) : VolumeSource
    {
        public override string ToString() => $"as a copy of {From}";
    }

    /// <summary>A volume that another host keeps and lets this one read. Another door is another source.</summary>
    /// <param name="Instance">Whose volume it is.</param>
    public sealed record Remote(Guid Instance, Guid Content, MigrationDoor Door) : VolumeSource
    {
        public override string ToString() => $"as volume {Content} at {Door}";
    }
}

/// <summary>One thing to do. Equal ones are the same; what changes an action makes it another one.</summary>
public abstract record StorageAction
{
    private StorageAction(StorageSubject subject) => Subject = subject;

    public StorageSubject Subject { get; }

    /// <summary>For the log and for tests.</summary>
    public abstract override string ToString();

    /// <summary>Makes a pool usable, or usable as it is defined now.</summary>
    public sealed record Prepare(PoolDefinition Definition) : StorageAction(StorageSubject.OfPool(Definition.Pool.Uuid))
    {
        public override string ToString() => $"prepare {Definition}";
    }

    public sealed record Release(Guid Pool) : StorageAction(StorageSubject.OfPool(Pool))
    {
        public override string ToString() => $"release pool {Pool}";
    }

    /// <param name="Target">As it is called in the end.</param>
    public sealed record Make(Guid Pool, StorageObject Target, VolumeSource Source) : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"make {Target} of {Target.Size} MiB, {Source}";
    }

    /// <summary>Fetches an image into a pool.</summary>
    public sealed record Fetch(Guid Pool, ImageDesired Image) : StorageAction(StorageSubject.OfImage(Pool, Image.Uuid))
    {
        public override string ToString() => $"fetch image {Image.Uuid}";
    }

    public sealed record Grow(Guid Pool, StorageObject Target) : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"grow {Target} to {Target.Offered} MiB";
    }

    /// <summary>Wipes the space by which a volume is to grow.</summary>
    public sealed record Clear(Guid Pool, StorageObject Target) : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"clear {Target} from {Target.Offered} to {Target.Size} MiB";
    }

    /// <param name="User">The guest that has it open; null when none has.</param>
    public sealed record Snapshot(Guid Pool, StorageObject Target, Guid Uuid, DiskUse? User = null)
        : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"take snapshot {Uuid} of {Target}{(User is null ? "" : $" under {User.Instance}")}";
    }

    /// <param name="User">The guest that has it open; null when none has.</param>
    public sealed record RemoveSnapshot(Guid Pool, StorageObject Target, Guid Uuid, DiskUse? User = null)
        : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"remove snapshot {Uuid} of {Target}{(User is null ? "" : $" under {User.Instance}")}";
    }

    /// <param name="Count">Which order to revert it is, as <see cref="VolumeDesired.Reverts"/> counts them.</param>
    public sealed record Revert(Guid Pool, StorageObject Target, Guid Uuid, int Count) : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"revert {Target} to snapshot {Uuid}";
    }

    /// <summary>Removes an object, or wipes it where it is its space.</summary>
    public sealed record Remove(Guid Pool, StorageObject Target) : StorageAction(StorageSubject.Of(Pool, Target.Name))
    {
        public override string ToString() => $"remove {Target}";
    }
}
