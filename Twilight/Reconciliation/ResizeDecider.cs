using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What to do about the size of an instance that runs, as far as it has room to grow.
/// <code>
///   vcpu    other than the domain's, at most the vcpu_max that it started with    SET VCPUS
///   mem     other than the domain's, at most the mem_max that it started with     SET MEMORY, which asks the guest
///   beyond its maximum, or without one                                            pending: its next start brings it
/// </code>
/// </summary>
/// <remarks>
/// Both need the guest: it takes processors up and gives them back, its balloon driver takes memory and gives it back. What it does
/// not follow is said, asked again with patience, and holds nothing else up.
/// </remarks>
internal static class ResizeDecider
{
    // A balloon counts in pages, so the last mebibyte may be cut.
    private const int MemorySlack = 1;

    /// <summary>Null when its size is as ordered, or can only be so from its next start on.</summary>
    internal static Step? WhileOn(Situation at, InstanceDesired instance)
    {
        var domain = at.Domain!;
        if (domain.State != DomainState.Running || DomainMetadata.Of(domain) is not { } mark)
            return null;
        var (vcpuMax, memMax) = ShapeFields.MaximaOf(mark.Fields);
        var vcpu = instance.VcpuMax is null || instance.Vcpu > vcpuMax || instance.Vcpu == domain.Vcpu ? null : Tried(
            at, new InstanceAction.SetVcpus(at.Instance, instance.Vcpu), at.Memory.Sizes.Vcpu,
            $"Its guest has {domain.Vcpu} processors and is to have {instance.Vcpu}", "Its processors");
        var memory = instance.MemMax is null || instance.Mem > memMax || Math.Abs(instance.Mem - domain.Memory) <= MemorySlack ? null : Tried(
            at, new InstanceAction.SetMemory(at.Instance, instance.Mem), at.Memory.Sizes.Memory,
            $"Its guest has {domain.Memory} MiB of memory and is to have {instance.Mem}", "Its memory");
        return vcpu?.Action is not null || memory is null ? vcpu
            : memory.Action is not null || vcpu is null ? memory
            : vcpu with { WakeAt = vcpu.WakeAt < memory.WakeAt ? vcpu.WakeAt : memory.WakeAt };
    }

    /// <summary>Whether a change that is under way still leads to what is ordered.</summary>
    internal static bool IsStillWanted(InstanceAction.Resize resize, InstanceDesired instance) =>
        resize.Target == (resize is InstanceAction.SetVcpus ? instance.Vcpu : instance.Mem);

    private static Step Tried(Situation at, InstanceAction.Resize resize, ResizeTrouble? before, string difference, string subject)
    {
        var trouble = before?.Target == resize.Target ? before : null;
        var why = trouble switch
        {
            null => null,
            { Why: { } failure } => $"{subject} could not be changed: {failure}",
            _ => $"{difference}; it has not followed yet, and is asked again.",
        };
        return trouble is null || trouble.NotBefore <= at.Now ? new Step(resize, why) : new Step(null, why, trouble.NotBefore);
    }
}
