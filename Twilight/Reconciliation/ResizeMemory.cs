using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>A change of size that has not come about.</summary>
/// <param name="Target">What was to be.</param>
/// <param name="Times">How often it was tried, in a row.</param>
/// <param name="NotBefore">It is not tried again before.</param>
/// <param name="Why">The failure in words; null when the guest was asked and has not followed yet.</param>
public sealed record ResizeTrouble(long Target, int Times, TimeSpan NotBefore, string? Why);

/// <summary>What a guest that is on resists of changes of its size. Immutable.</summary>
public sealed record ResizeMemory(ResizeTrouble? Vcpu, ResizeTrouble? Memory)
{
    public static readonly ResizeMemory None = new(null, null);

    /// <summary>The memory after a look at the domain, which is on.</summary>
    internal ResizeMemory Observe(ObservedDomain domain) => this == None ? this : new ResizeMemory(
        Vcpu?.Target == domain.Vcpu ? null : Vcpu,
        Memory?.Target == domain.Memory ? null : Memory);

    /// <summary>The memory after a change has ended.</summary>
    internal ResizeMemory After(InstanceAction.Resize resize, ActionOutcome outcome, TimeSpan now, RetryOptions retry) => (resize, outcome.End) switch
    {
        (_, ActionEnd.Withdrawn) => this,
        (InstanceAction.SetVcpus, _) => this with { Vcpu = After(Vcpu, resize.Target, outcome, now, retry) },
        _ => this with { Memory = After(Memory, resize.Target, outcome, now, retry) },
    };

    private static ResizeTrouble After(ResizeTrouble? before, long target, ActionOutcome outcome, TimeSpan now, RetryOptions retry)
    {
        var times = before?.Target == target ? before.Times + 1 : 1;
        return new ResizeTrouble(target, times, now + retry.Release.DelayAfter(times), outcome.Why);
    }
}
