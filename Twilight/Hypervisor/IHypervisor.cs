using System.Threading.Channels;

namespace PonyCloud.Twilight.Hypervisor;

/// <summary>
/// What runs virtual machines on this host. Connects by itself, in the background, and goes on trying when the
/// connection is lost; meanwhile every call throws a <see cref="HypervisorException"/> of
/// <see cref="HypervisorFailure.Disconnected"/>.
/// </summary>
/// <remarks>
/// A call that is cancelled or times out returns at once, while what it began may end later. Until then the domain is
/// in <see cref="DomainScan.Unsettled"/>, and a <see cref="HypervisorEvent.CallSettled"/> tells when it no longer is.
/// Calls for one domain may overlap; in particular <see cref="DestroyAsync"/> works while a start is in flight.
/// All calls throw <see cref="HypervisorException"/> and <see cref="OperationCanceledException"/>.
/// </remarks>
public interface IHypervisor : IAsyncDisposable
{
    /// <summary>The connection as it is now.</summary>
    HypervisorConnection Connection { get; }

    /// <summary>
    /// What happens. Bounded, the oldest are dropped when nobody reads: an event is a reason to look, never the state.
    /// Completed when the hypervisor is disposed.
    /// </summary>
    ChannelReader<HypervisorEvent> Events { get; }

    /// <summary>All domains, running or not, whoever made them.</summary>
    Task<DomainScan> ScanAsync(CancellationToken cancellationToken);

    /// <summary>Defines a domain, or replaces the definition of the one with the same uuid from its next start on.</summary>
    /// <param name="domain">The uuid that the definition names.</param>
    Task DefineAsync(Guid domain, string xml, CancellationToken cancellationToken);

    /// <summary>Starts a defined domain.</summary>
    /// <param name="paused">Its processors stand still until <see cref="ResumeAsync"/>.</param>
    Task StartAsync(Guid domain, bool paused, CancellationToken cancellationToken);

    /// <summary>Lets the processors stand still.</summary>
    Task SuspendAsync(Guid domain, CancellationToken cancellationToken);

    Task ResumeAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Presses the power button; the guest decides what comes of it.</summary>
    Task ShutdownAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the agent in the guest to turn it off. Returns when it was asked, and no later than a few seconds after; refused when nobody
    /// answers there, or too many are asked.
    /// </summary>
    /// <remarks>What is given up of this, and of the other calls that ask agents, leaves no domain unsettled.</remarks>
    Task ShutdownByAgentAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Asks the agent in the guest to restart it, in the same way.</summary>
    Task RebootByAgentAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Asks the agent in the guest what addresses the guest has, in the same way.</summary>
    /// <returns>As the guest writes them: it may write anything.</returns>
    Task<IReadOnlyList<string>> ReadAddressesAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Presses the reset button: the guest begins anew at once. One that is paused stays so, and begins when it is resumed.</summary>
    Task ResetAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the guest to restart. Returns when it was asked; <see cref="ObservedDomain.Restarts"/> shows when it has. To ask again does
    /// no harm.
    /// </summary>
    Task RebootAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Gives a domain that is on more or fewer processors, at most as many as its definition says. To give some back needs the guest.</summary>
    Task SetVcpusAsync(Guid domain, int count, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the guest of a domain that is on for more or less memory, at most as much as its definition says. Returns when it was
    /// asked; <see cref="ObservedDomain.Memory"/> shows what it follows.
    /// </summary>
    /// <param name="size">MiB.</param>
    Task SetMemoryAsync(Guid domain, long size, CancellationToken cancellationToken);

    /// <summary>
    /// Copies a domain that is on to another hypervisor while it goes on, and ends when the copy is whole: that one stands still, is
    /// <see cref="DomainReason.PausedByOrder"/> and has a lasting definition; here the domain is off, and its definition stays.
    /// However it fails, nothing is left of it there and the domain goes on here, unless what was lost is the very end of it: then
    /// there may be a whole copy that stands still, and the domain goes on here or is <see cref="DomainReason.InTransition"/>.
    /// </summary>
    /// <remarks>
    /// May take hours. Given up, the copying is broken off, and the domain is unsettled until it has ended. Few are made at a time, apart
    /// from all other calls.
    /// </remarks>
    Task MigrateAsync(Guid domain, MigrationTarget target, CancellationToken cancellationToken);

    /// <summary>How far the copying of a domain has come; null when none is under way.</summary>
    Task<MigrationProgress?> GetMigrationAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Replaces the platform's own element in the metadata of a domain, whether it is on or off, and of its definition.</summary>
    Task SetMarkAsync(DomainMetadata mark, CancellationToken cancellationToken);

    /// <summary>Cuts the power, also of a domain that is still starting.</summary>
    Task DestroyAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Forgets a domain that is off, with its saved state, NVRAM, TPM and snapshot metadata.</summary>
    Task UndefineAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>
    /// Plugs a device into a domain that is on. It has it until it is next off; the definition stays as it is, and is made anew
    /// for each start anyway.
    /// </summary>
    /// <param name="xml">The element of the device, with an alias that the domain has not got yet.</param>
    Task AttachDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken);

    /// <summary>
    /// Asks the guest of a domain that is on to let go of a device. Returns when it has been asked: the device is there until the
    /// guest has let go, of which <c>device removed</c> tells. To ask again does no harm.
    /// </summary>
    Task DetachDeviceAsync(Guid domain, string alias, CancellationToken cancellationToken);

    /// <summary>
    /// Changes what can be changed of a device of a domain that is on, such as the link of a network card or what is in a CD-ROM drive.
    /// A drive is opened even if its guest has locked it.
    /// </summary>
    /// <param name="xml">The element of the device as it is, but for the change.</param>
    Task UpdateDeviceAsync(Guid domain, string xml, CancellationToken cancellationToken);

    /// <summary>Sets what the guest of a domain that is on gets of a disk at most.</summary>
    /// <param name="target">See <see cref="ObservedDisk.Target"/>.</param>
    Task LimitDiskAsync(Guid domain, string target, DiskLimits limits, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a disk of a domain that is on as large as said, and tells the guest. A file grows with it; a device must be so large
    /// already. Never makes it smaller: what is as large stays as it is.
    /// </summary>
    /// <param name="target">See <see cref="ObservedDisk.Target"/>.</param>
    /// <param name="bytes">How large it is to be.</param>
    Task GrowDiskAsync(Guid domain, string target, long bytes, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a snapshot inside of the qcow2 file that a domain which is on has open as a disk; the guest goes on. One of the name that
    /// is there already stays as it is.
    /// </summary>
    /// <param name="alias">Of the disk.</param>
    Task TakeSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken);

    /// <summary>Removes a snapshot from such a file; what is not there is removed.</summary>
    /// <param name="alias">Of the disk.</param>
    Task RemoveSnapshotAsync(Guid domain, string alias, string snapshot, CancellationToken cancellationToken);

    /// <summary>Asks the guest of a domain that is on to write down what its file systems hold, and to write no more.</summary>
    /// <returns>False when nobody in the guest answers: then nothing has changed.</returns>
    Task<bool> FreezeAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>Lets the guest write again. One that does write is left alone.</summary>
    Task ThawAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>What the domains that are on have used since they started, all in one call. One that is busy tells less.</summary>
    Task<IReadOnlyList<DomainStatistics>> ReadStatisticsAsync(CancellationToken cancellationToken);

    /// <summary>The definition of the domain as the hypervisor keeps it.</summary>
    Task<string> GetXmlAsync(Guid domain, CancellationToken cancellationToken);

    /// <summary>What a domain that is on has now, in the form that another hypervisor takes.</summary>
    Task<string> GetLiveXmlAsync(Guid domain, CancellationToken cancellationToken);
}
