using System.Collections.Concurrent;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>What tests say of disks of instances; what nobody said is not known.</summary>
public sealed class FakeDisks : IInstanceDisks
{
    private readonly ConcurrentDictionary<Guid, DiskState> _states = [];

    public event Action? Changed;

    /// <summary>What guests were said to have last.</summary>
    public IReadOnlyCollection<DiskUse> Held { get; private set; } = [];

    /// <summary>Sources that no guest is given now.</summary>
    public HashSet<string> Refused { get; } = [];

    public void Set(Guid vdisk, DiskState state)
    {
        _states[vdisk] = state;
        Changed?.Invoke();
    }

    public DiskState Of(Guid vdisk) => _states.GetValueOrDefault(vdisk, DiskState.Unknown);

    public IReadOnlyCollection<DiskUse> Use(IReadOnlyCollection<DiskUse> held, IReadOnlyCollection<DiskUse> wanted)
    {
        DiskUse[] refused = [.. wanted.Where(use => Refused.Contains(use.Source))];
        Held = [.. held, .. wanted.Except(refused)];
        return refused;
    }
}
