namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Lets the guest agent hold and release the guest's file systems. Its calls block, each for a bounded time.</summary>
internal static class GuestFileSystems
{
    /// <returns>False when there is no agent, or it does not answer, or cannot.</returns>
    internal static bool Freeze(DomainHandle domain)
    {
        const string what = "freeze the guest's file systems";
        LibvirtError.ThrowIfNegative(GuestAgent.Limit(domain), what);
        if (LibvirtDiskNative.virDomainFSFreeze(domain, 0, 0, 0) >= 0)
            return true;
        var error = LibvirtError.Last(what);
        if (error.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.Disconnected or HypervisorFailure.WrongState)
            throw error;
        // An agent that was slow, or had frozen some of them, may not leave them so. That nobody answers has been told by the error.
        if (LibvirtDiskNative.virDomainFSThaw(domain, 0, 0, 0) < 0)
            LibvirtNative.virResetLastError();
        return false;
    }

    internal static void Thaw(DomainHandle domain)
    {
        const string what = "thaw the guest's file systems";
        LibvirtError.ThrowIfNegative(GuestAgent.Limit(domain), what);
        LibvirtError.ThrowIfNegative(LibvirtDiskNative.virDomainFSThaw(domain, 0, 0, 0), what);
    }
}
