using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>One thing to do to one instance's domain. A plan holds at most one for each instance.</summary>
public abstract record InstanceAction
{
    private InstanceAction(Guid instance) => Instance = instance;

    public Guid Instance { get; }

    /// <summary>For the log and for golden files.</summary>
    public abstract override string ToString();

    /// <summary>Make the definition what it should be; the domain is off.</summary>
    public sealed record Define(DomainDefinition Definition) : InstanceAction(Definition.Instance)
    {
        public override string ToString() => $"define {Definition}";
    }

    /// <summary>Define and start the domain; with <paramref name="Paused"/> its processors stand still.</summary>
    public sealed record Start(DomainDefinition Definition, bool Paused) : InstanceAction(Definition.Instance)
    {
        /// <summary>The disks that it starts with.</summary>
        public DiskSet Disks { get; init; } = DiskSet.None;

        public override string ToString() => $"start {Definition}{(Paused ? ", paused" : "")}";
    }

    public sealed record Pause(Guid Domain) : InstanceAction(Domain)
    {
        public override string ToString() => $"pause {Domain}";
    }

    public sealed record Resume(Guid Domain) : InstanceAction(Domain)
    {
        public override string ToString() => $"resume {Domain}";
    }

    /// <summary>Press the power button; a paused guest is let go first, since it could not notice.</summary>
    public sealed record Shutdown(Guid Domain, bool ResumeFirst) : InstanceAction(Domain)
    {
        /// <summary>Ask the agent in the guest; the button is pressed only if that cannot be asked.</summary>
        public bool ByAgent { get; init; }

        public override string ToString() => $"shut down {Domain}{(ResumeFirst ? ", resumed first" : "")}{(ByAgent ? ", by its agent" : "")}";
    }

    /// <summary>Cut the power.</summary>
    public sealed record PowerOff(Guid Domain) : InstanceAction(Domain)
    {
        public override string ToString() => $"power off {Domain}";
    }

    /// <summary>A change of one device of a domain that is on.</summary>
    public abstract record DeviceChange : InstanceAction
    {
        private protected DeviceChange(Guid domain, Guid device)
            : base(domain) => Device = device;

        /// <summary>The row that the device is of.</summary>
        public Guid Device { get; }

        /// <summary>Whether it is over when the domain has the device; otherwise when it has it no longer.</summary>
        public virtual bool Brings => false;
    }

    /// <summary>A change of one network card.</summary>
    public abstract record CardChange : DeviceChange
    {
        private protected CardChange(Guid domain, Guid vnic)
            : base(domain, vnic)
        {
        }

        public Guid Vnic => Device;
    }

    public sealed record Plug(Guid Domain, InstanceCard Card) : CardChange(Domain, Card.Vnic)
    {
        public override bool Brings => true;

        public override string ToString() => $"plug {Card} into {Domain}";
    }

    /// <summary>Ask the guest to let go of a card; when it does is up to it.</summary>
    public sealed record Unplug(Guid Domain, ObservedInterface Card) : CardChange(Domain, Card.Vnic!.Value)
    {
        public override string ToString() => $"unplug card {Vnic} ({Card.HardwareAddress}, {Card.Model}) from {Domain}";
    }

    public sealed record SetLink(Guid Domain, ObservedInterface Card, bool IsUp) : CardChange(Domain, Card.Vnic!.Value)
    {
        public override string ToString() => $"set link of card {Vnic} of {Domain} {(IsUp ? "up" : "down")}";
    }

    /// <summary>A change of the size of a domain that is on.</summary>
    /// <param name="Target">What it is to be.</param>
    public abstract record Resize(Guid Domain, long Target) : InstanceAction(Domain)
    {
        public abstract override string ToString();
    }

    public sealed record SetVcpus(Guid Domain, int Count) : Resize(Domain, Count)
    {
        public override string ToString() => $"give {Domain} {Count} processors";
    }

    /// <summary>Ask the guest for more or less memory, MiB.</summary>
    public sealed record SetMemory(Guid Domain, long Size) : Resize(Domain, Size)
    {
        public override string ToString() => $"give {Domain} {Size} MiB";
    }

    /// <summary>A step towards a restart of a domain that is on.</summary>
    public abstract record RestartStep : InstanceAction
    {
        private protected RestartStep(Guid domain)
            : base(domain)
        {
        }
    }

    /// <summary>Press the reset button, which carries out the orders to restart it up to these counts.</summary>
    public sealed record Reset(Guid Domain, int Reboots, int Resets) : RestartStep(Domain)
    {
        public override string ToString() => $"reset {Domain}";
    }

    /// <summary>Ask the guest to restart.</summary>
    /// <param name="Count">The order that it carries out.</param>
    /// <param name="Restarts">How often the guest has restarted before.</param>
    public sealed record Reboot(Guid Domain, int Count, int Restarts) : RestartStep(Domain)
    {
        /// <summary>Ask the agent in the guest; the button is pressed only if that cannot be asked.</summary>
        public bool ByAgent { get; init; }

        public override string ToString() => $"reboot {Domain}{(ByAgent ? ", by its agent" : "")}";
    }

    /// <summary>Write down in the domain's metadata how far orders were carried out, and what became of it.</summary>
    public sealed record SetMark(DomainMetadata Mark) : RestartStep(Mark.Instance)
    {
        public override string ToString() =>
            $"mark {Mark.Instance}: {Mark.Reboots} reboots, {Mark.Resets} resets{(Mark.HasRun ? ", has run" : "")}";
    }

    /// <summary>A change of one disk or CD-ROM drive.</summary>
    public abstract record DiskChange : DeviceChange
    {
        private protected DiskChange(Guid domain, Guid vdisk)
            : base(domain, vdisk)
        {
        }

        public Guid Vdisk => Device;

        /// <summary>What the guest is given by it; null for nothing.</summary>
        public virtual DiskSource? Given => null;
    }

    /// <param name="Disk">With its source.</param>
    /// <param name="Size">MiB that the guest will see; null when nobody knows.</param>
    public sealed record PlugDisk(Guid Domain, InstanceDisk Disk, long? Size) : DiskChange(Domain, Disk.Vdisk)
    {
        public override bool Brings => true;

        public override DiskSource? Given => Disk.Source;

        public override string ToString() => $"plug {Disk} into {Domain}";
    }

    /// <summary>Ask the guest to let go of a disk; when it does is up to it.</summary>
    public sealed record UnplugDisk(Guid Domain, ObservedDisk Disk) : DiskChange(Domain, Disk.Vdisk!.Value)
    {
        public override string ToString() => $"unplug disk {Vdisk} ({Disk.Source}, {Disk.Bus}) from {Domain}";
    }

    /// <param name="Medium">What is to be in the drive, with its source; null to leave it empty.</param>
    public sealed record ChangeMedium(Guid Domain, ObservedDisk Drive, InstanceDisk? Medium) : DiskChange(Domain, Drive.Vdisk!.Value)
    {
        public override DiskSource? Given => Medium?.Source;

        public override string ToString() => Medium is null
            ? $"eject what is in CD-ROM {Vdisk} of {Domain}"
            : $"put {Medium.Content} into CD-ROM {Vdisk} of {Domain}";
    }

    public sealed record LimitDisk(Guid Domain, ObservedDisk Disk, DiskLimits Limits) : DiskChange(Domain, Disk.Vdisk!.Value)
    {
        public override string ToString() => $"limit disk {Vdisk} of {Domain} to {Limits.IopsMax}/s, {Limits.BytesMax} B/s";
    }

    /// <param name="Size">MiB.</param>
    public sealed record GrowDisk(Guid Domain, ObservedDisk Disk, long Size) : DiskChange(Domain, Disk.Vdisk!.Value)
    {
        public override string ToString() => $"grow disk {Vdisk} of {Domain} to {Size} MiB";
    }

    /// <summary>A step of the move of an instance to or from this host (see <c>Migrations</c>).</summary>
    public abstract record MigrationStep : InstanceAction
    {
        private protected MigrationStep(Guid domain)
            : base(domain)
        {
        }
    }

    /// <summary>Copy the domain to another host while it goes on; then it is off here, and marked as leaving.</summary>
    public sealed record Send(MigrationOrder Order) : MigrationStep(Order.Instance)
    {
        public override string ToString() => $"send {Instance} to {Order.Peer} at {Order.Door}";
    }

    /// <summary>Mark a domain that is off as leaving: it is not started here from then on.</summary>
    /// <param name="Definition">What to define first; null when there is a domain.</param>
    public sealed record Depart(DomainMetadata Mark, DomainDefinition? Definition) : MigrationStep(Mark.Instance)
    {
        public override string ToString() => $"let {Instance} leave for {Mark.Leaving}";
    }

    /// <summary>Take the mark of leaving from a domain. One that was left standing still at the end of a copying goes on.</summary>
    /// <param name="Mark">Without it.</param>
    public sealed record Keep(DomainMetadata Mark, bool ResumeFirst) : MigrationStep(Mark.Instance)
    {
        public override string ToString() => $"keep {Instance}{(ResumeFirst ? ", resumed first" : "")}";
    }

    /// <summary>Take the mark of arriving from a copy: it is the instance now.</summary>
    /// <param name="Mark">Without it.</param>
    public sealed record Take(DomainMetadata Mark) : MigrationStep(Mark.Instance)
    {
        public override string ToString() => $"take {Instance}";
    }

    /// <summary>Cut the power and forget the domain.</summary>
    public sealed record Remove(Guid Domain) : InstanceAction(Domain)
    {
        public override string ToString() => $"remove {Domain}";
    }
}

/// <summary>How an action ended.</summary>
public enum ActionEnd
{
    Done,
    Failed,

    /// <summary>Its order was withdrawn while it ran.</summary>
    Withdrawn,
}

/// <summary>An action that has ended.</summary>
/// <param name="Why">The failure in words; null unless it failed.</param>
public sealed record ActionOutcome(InstanceAction Action, ActionEnd End, string? Why = null);
