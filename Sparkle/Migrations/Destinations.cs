using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Placement;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>Whether hosts can take instances that are ordered to them, for one look at the rows.</summary>
internal sealed class Destinations(EntityCatalog catalog, NetworkRows networks, StateSnapshot state)
{
    private readonly OwnVolumes _volumes = new(catalog);
    private readonly Lazy<CardReach> _cards = new(() => new CardReach(networks, state));
    private readonly Lazy<Capacity> _capacity = new(() => Capacity.Of(catalog, state));

    /// <summary>Why the host cannot take the instance, in words for operators; null when it can.</summary>
    /// <param name="volumes">What goes along with it.</param>
    /// <param name="place">Where it is to be now; null when it is nowhere.</param>
    /// <param name="source">Where it runs, and has to be copied from; null when it is off.</param>
    /// <param name="isExpected">The host was told to receive it, so its room is reserved.</param>
    public string? ObstacleOf(InstanceDesired instance, VolumeMoves volumes, Guid? place, Guid host, Guid? source, bool isExpected)
    {
        var row = state[catalog["host"]].Find(host);
        if (row?.Desired is not HostDesired { State: not HostState.Gone } declared)
            return "Its destination is gone.";
        if (row.Current is not HostCurrent { Status: HostStatus.Present } current)
            return $"{declared.Name} is not heard of.";
        if (declared.State != HostState.Present)
            return $"{declared.Name} takes no instances.";
        if (current.Hypervisor is null)
            return $"The hypervisor of {declared.Name} does not answer.";
        if (_volumes.WhyNot(state, instance.Uuid, volumes, place, host) is { } why)
            return $"{declared.Name} cannot take it. {why}";
        if (_cards.Value.HostsOf(instance.Uuid)?.Contains(host) is false)
            return $"{declared.Name} cannot carry its network cards.";
        if (ProcessorOf(instance, current, source) is { } lacking)
            return $"{declared.Name} {lacking}";
        return isExpected || _capacity.Value.HasRoom(instance, host)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{declared.Name} has no room for {instance.Mem} MiB of memory and {instance.Rcpu} reserved threads.");
    }

    /// <summary>A guest that runs keeps the processor that it has seen.</summary>
    private string? ProcessorOf(InstanceDesired instance, HostCurrent destination, Guid? source)
    {
        if (instance.CpuProfile is { } profile)
        {
            return state[catalog["host_cpu_profile"]].Find(RowKey.Of(destination.Uuid.ToString(), profile.ToString()))?.Current
                is HostCpuProfileCurrent { Usable: false } unusable
                    ? $"lacks what its processor needs: {string.Join(", ", unusable.Missing)}."
                    : null;
        }
        if (source is null || state[catalog["host"]].Find(source.Value)?.Current is not HostCurrent from)
            return null;
        if (from.Accelerator != destination.Accelerator)
            return $"runs guests by {destination.Accelerator ?? "nothing"}, and it runs by {from.Accelerator ?? "nothing"}.";
        var missing = from.Accelerator == "kvm" ? from.CpuFeatures.Except(destination.CpuFeatures).ToList() : [];
        return missing.Count == 0 ? null : $"has another processor, and it sees that of its host: {string.Join(", ", missing.Take(8))} would be missing.";
    }
}
