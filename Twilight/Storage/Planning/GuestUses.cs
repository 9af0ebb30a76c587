using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What guests of this host have open, or may have. Immutable.</summary>
public sealed class GuestUses
{
    /// <summary>Nobody has said it yet, so it may be anything.</summary>
    public static readonly GuestUses Unknown = new([]) { IsKnown = false };

    public static readonly GuestUses None = new([]);

    private readonly Dictionary<Guid, DiskUse> _byContent = [];
    private readonly Dictionary<string, DiskUse> _bySource = [];

    public GuestUses(IEnumerable<DiskUse> uses)
    {
        foreach (var use in uses)
        {
            _bySource.TryAdd(use.Source, use);
            if (ObjectName.In(use.Source) is { } name)
                _byContent.TryAdd(name.Uuid, use);
        }
    }

    public bool IsKnown { get; private init; } = true;

    /// <summary>Who has something of the volume or image open, of whatever generation; null for nobody that is known.</summary>
    /// <param name="unit">In a pool of units the name of the target and the unit.</param>
    public DiskUse? Find(Guid content, string? unit = null) =>
        _byContent.GetValueOrDefault(content) ?? (unit is null ? null : _bySource.GetValueOrDefault(unit));

    /// <summary>Whether nothing may be done to it behind a guest's back.</summary>
    public bool MayHave(Guid content, string? unit = null) => !IsKnown || Find(content, unit) is not null;

    /// <summary>Why something waits until no guest has it, in words.</summary>
    /// <param name="what">Such as "It is reverted".</param>
    public string WhyWaits(string what, Guid content, string? unit = null) => Find(content, unit) is { } use
        ? $"{what} when instance {use.Instance} has it no longer."
        : $"{what} when it is known what guests have.";
}
