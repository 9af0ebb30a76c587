namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Lets the guest agent hold and release the guest's file systems. Its calls block.</summary>
internal static class GuestFileSystems
{
    /// <returns>False when there is no agent, or it does not answer, or cannot.</returns>
    internal static bool Freeze(DomainHandle domain)
    {
        if (LibvirtDiskNative.virDomainFSFreeze(domain, 0, 0, 0) >= 0)
            return true;
        var error = LibvirtError.Last("freeze the guest's file systems");
        return error.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.Disconnected or HypervisorFailure.WrongState ? throw error : false;
    }

    internal static void Thaw(DomainHandle domain) =>
        LibvirtError.ThrowIfNegative(LibvirtDiskNative.virDomainFSThaw(domain, 0, 0, 0), "thaw the guest's file systems");
}
