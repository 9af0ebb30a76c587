namespace PonyCloud.Twilight.Storage.Logical;

/// <summary>The thin pool of a volume group, and what is exchanged in it for something else when a volume is reverted.</summary>
internal sealed class ThinPool(VolumeGroup group) : IDisposable
{
    internal const string Name = "ponycloud";

    // While an object is exchanged for another nobody looks, nor finishes what is under way.
    private readonly SemaphoreSlim _exchange = new(1);

    internal async Task PrepareAsync(CancellationToken cancellationToken)
    {
        var report = await group.ReadAsync(cancellationToken);
        ThrowIfDiskMissing(report);
        if (report.Volumes.All(volume => volume.Name != Name))
        {
            await group.ChangeAsync(
                "lvcreate", cancellationToken,
                "--type", "thin-pool", "--name", Name, "--extents", "100%FREE", "--zero", "y", group.Name);
        }
        await group.ChangeAsync("lvchange", cancellationToken, "--activate", "y", group.Path(Name));
    }

    internal async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        var report = await group.ReadAsync(cancellationToken);
        var own = report.Volumes.Where(volume => volume.Pool == Name).Select(volume => group.Path(volume.Name));
        await group.ChangeAsync("lvchange", cancellationToken, ["--activate", "n", .. own, group.Path(Name)]);
    }

    /// <summary>What is there, once reverts that were cut off are finished.</summary>
    internal async Task<LogicalContent> ReadAsync(CancellationToken cancellationToken)
    {
        using var held = await Held.TakeAsync(_exchange, cancellationToken);
        var content = await LookAsync(cancellationToken);
        if (!content.HalfReverted.Any())
            return content;
        foreach (var volume in content.HalfReverted)
            await FinishRevertAsync(volume, content.Volumes.ContainsKey(volume), cancellationToken);
        return await LookAsync(cancellationToken);
    }

    internal async Task RevertAsync(ObjectName target, Guid snapshot, CancellationToken cancellationToken)
    {
        var content = await ReadAsync(cancellationToken);
        var volume = content.Get(target).Name;
        var snap = LogicalNames.Snapshot(target, snapshot);
        if (!content.Volumes.ContainsKey(snap))
            throw new StorageException(StorageFailure.Missing, $"{target} has no snapshot {snapshot}.");

        // Whoever has it open would go on with the past.
        await group.ChangeAsync("lvchange", cancellationToken, "--activate", "n", group.Path(volume));
        var next = LogicalNames.Next(volume);
        if (content.Volumes.TryGetValue(next, out var left))
            await group.ChangeAsync("lvremove", cancellationToken, group.Path(left.Name));
        await group.ChangeAsync(
            "lvcreate", cancellationToken, "--snapshot", "--name", next, "--setactivationskip", "n", group.Path(snap));
        using var held = await Held.TakeAsync(_exchange, cancellationToken);
        await group.ChangeAsync("lvrename", cancellationToken, group.Name, volume, LogicalNames.Past(volume));
        await FinishRevertAsync(volume, isThere: false, cancellationToken);
    }

    public void Dispose() => _exchange.Dispose();

    private static void ThrowIfDiskMissing(GroupReport report)
    {
        if (report.Missing > 0)
        {
            throw new StorageException(
                StorageFailure.Unreachable, $"The volume group misses {report.Missing} of its {report.Disks} disks.");
        }
    }

    private async Task<LogicalContent> LookAsync(CancellationToken cancellationToken)
    {
        var report = await group.ReadAsync(cancellationToken);
        ThrowIfDiskMissing(report);
        // An operator may have made it so, for speed.
        if (report.Volumes.Any(volume => volume is { Name: Name, IsZeroing: false }))
        {
            throw new StorageException(
                StorageFailure.Unreachable, $"The thin pool {Name} gives out blocks that are not wiped; lvchange --zero y makes it do so.");
        }
        return LogicalContent.Of(report, Name)
            ?? throw new StorageException(StorageFailure.Unreachable, $"The volume group has no thin pool {Name}.");
    }

    private async Task FinishRevertAsync(string volume, bool isThere, CancellationToken cancellationToken)
    {
        if (!isThere)
            await group.ChangeAsync("lvrename", cancellationToken, group.Name, LogicalNames.Next(volume), volume);
        await group.ChangeAsync("lvremove", cancellationToken, group.Path(LogicalNames.Past(volume)));
    }
}
