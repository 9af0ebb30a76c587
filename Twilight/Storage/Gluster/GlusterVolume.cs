namespace PonyCloud.Twilight.Storage.Gluster;

/// <summary>What a pool is on.</summary>
internal sealed record GlusterVolume
{
    /// <summary>A server of the cluster, which knows where the bricks are.</summary>
    internal required StorageServer Server { get; init; }

    internal required string Name { get; init; }

    /// <summary>Directory in it, absolute and without a slash at its end; null for all of it.</summary>
    internal required string? Path { get; init; }

    public override string ToString() => $"the Gluster volume {Name}{Path} of {Server.Name}";
}
