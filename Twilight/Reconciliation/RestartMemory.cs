using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>A guest that was asked to restart, and has not been seen to.</summary>
/// <param name="Count">The order, as <c>reboots</c> counts them.</param>
/// <param name="Since">When it was first asked.</param>
/// <param name="AskedAt">When it was last asked.</param>
/// <param name="Restarts">How often it had restarted before.</param>
/// <param name="Why">Why it could not be asked, in words; null when it was.</param>
public sealed record RebootWait(int Count, TimeSpan Since, TimeSpan AskedAt, int Restarts, string? Why);

/// <summary>A step towards a restart that failed.</summary>
/// <param name="Times">How often, in a row.</param>
/// <param name="NotBefore">Nothing is tried again before.</param>
public sealed record RestartTrouble(int Times, TimeSpan NotBefore, string Why);

/// <summary>How far the orders to restart an instance have come, as far as its domain's metadata does not show it. Immutable.</summary>
public sealed record RestartMemory
{
    public static readonly RestartMemory None = new();

    /// <summary>The count up to which reboots were carried out; null when the metadata says so.</summary>
    public int? Reboots { get; private init; }

    /// <summary>The same for resets.</summary>
    public int? Resets { get; private init; }

    /// <summary>The guest was asked, and has the time until <c>stop_timeout</c> is over.</summary>
    public RebootWait? Wait { get; private init; }

    public RestartTrouble? Trouble { get; private init; }

    /// <summary>The memory after an order has changed: what failed has a new chance.</summary>
    internal RestartMemory Ordered(InstanceOrder order) => this with
    {
        Trouble = null,
        Wait = order.Instance is { } instance && instance.Reboots < Wait?.Count ? null : Wait,
    };

    /// <summary>The memory after a look at the domain, which is on.</summary>
    internal RestartMemory Observe(ObservedDomain domain) =>
        Wait is { } wait && domain.Restarts > wait.Restarts ? this with { Wait = null, Reboots = wait.Count } : this;

    /// <summary>The memory after the domain was seen off: only how far it is written down is left to do.</summary>
    internal RestartMemory SeenOff() => Trouble is null ? None : new RestartMemory { Trouble = Trouble };

    /// <summary>The memory after a step has ended.</summary>
    internal RestartMemory After(InstanceAction.RestartStep step, ActionOutcome outcome, TimeSpan now, RetryOptions retry) => (step, outcome.End) switch
    {
        (_, ActionEnd.Withdrawn) => this,
        // That it could not be asked is no end of it: the button and the reset are left.
        (InstanceAction.Reboot reboot, _) => this with
        {
            Wait = new RebootWait(
                reboot.Count, Wait?.Count == reboot.Count ? Wait.Since : now, now,
                Wait?.Count == reboot.Count ? Wait.Restarts : reboot.Restarts, outcome.Why),
        },
        (_, ActionEnd.Failed) => this with { Trouble = Failed(outcome.Why!, now, retry) },
        (InstanceAction.Reset reset, _) => new RestartMemory { Reboots = reset.Reboots, Resets = reset.Resets },
        // What is carried out stands in the metadata from now on.
        _ => this with { Reboots = null, Resets = null, Trouble = null },
    };

    private RestartTrouble Failed(string why, TimeSpan now, RetryOptions retry)
    {
        var times = (Trouble?.Times ?? 0) + 1;
        return new RestartTrouble(times, now + retry.Backoff.DelayAfter(times), why);
    }
}
