using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Storage.Planning;

/// <summary>What guests of this host have open, or may have. Immutable.</summary>
public sealed class GuestUses
{
    /// <summary>Nobody has said it yet, so it may be anything.</summary>
    public static readonly GuestUses Unknown = new([]) { IsKnown = false };

    public static readonly GuestUses None = new([]);

    private readonly Dictionary<Guid, DiskUse> _byContent = [];
    private readonly Dictionary<ObjectName, DiskUse> _byObject = [];
    private readonly Dictionary<string, DiskUse> _bySource = [];

    public GuestUses(IEnumerable<DiskUse> uses)
    {
        foreach (var use in uses)
        {
            _bySource.TryAdd(use.Source, use);
            if (ObjectName.In(use.Source) is not { } name)
                continue;
            _byContent.TryAdd(name.Uuid, use);
            _byObject.TryAdd(name, use);
        }
    }

    public bool IsKnown { get; private init; } = true;

    /// <summary>Who has something of the volume or image open, of whatever generation; null for nobody that is known.</summary>
    /// <param name="unit">In a pool of units the name of the target and the unit.</param>
    public DiskUse? Find(Guid content, string? unit = null) =>
        _byContent.GetValueOrDefault(content) ?? (unit is null ? null : _bySource.GetValueOrDefault(unit));

    /// <summary>Whether nothing may be done to it behind a guest's back.</summary>
    public bool MayHave(Guid content, string? unit = null) => !IsKnown || Find(content, unit) is not null;

    /// <summary>Who has this very object open, where objects have names; null for nobody that is known.</summary>
    public DiskUse? Find(ObjectName name) => _byObject.GetValueOrDefault(name);

    /// <summary>Whether nothing may be done to this very object behind a guest's back. Another generation of it may be open.</summary>
    public bool MayHave(ObjectName name) => !IsKnown || Find(name) is not null;

    /// <summary>Why something waits until no guest has it, in words.</summary>
    /// <param name="what">Such as "It is reverted".</param>
    public string WhyWaits(string what, Guid content, string? unit = null) => WhyWaits(what, Find(content, unit));

    /// <param name="user">Who has it.</param>
    public static string WhyWaits(string what, DiskUse? user) => user is not null
        ? $"{what} when instance {user.Instance} has it no longer."
        : $"{what} when it is known what guests have.";
}
