using System.Runtime.InteropServices;
using static PonyCloud.Twilight.Hypervisor.Libvirt.GuestAgentNative;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What the agent in a guest is asked. Its calls block, each for a bounded time; the results are libvirt's.</summary>
internal static unsafe class GuestAgent
{
    /// <summary>How long libvirt waits for an answer of an agent. By itself it waits for ever.</summary>
    internal const int ResponseSeconds = 5;

    // The line to the agent ends a moment before libvirt says that the guest is off.
    private const int EndLooks = 5;
    private static readonly TimeSpan EndLookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when the guest goes off, or a minute later: nobody answers this.</summary>
    internal static int Shutdown(DomainHandle domain)
    {
        if (Limit(domain) < 0)
            return -1;
        if (LibvirtNative.virDomainShutdownFlags(domain, ShutdownGuestAgent) >= 0)
            return 0;
        var error = LibvirtError.Last("ask the agent in the guest to turn it off");
        // An agent that went with its guest looks like one that does not answer.
        return error.Failure == HypervisorFailure.Failed && HasGoneOff(domain) ? 0 : throw error;
    }

    /// <summary>Returns when the guest begins anew, or a minute later.</summary>
    internal static int Reboot(DomainHandle domain) =>
        Limit(domain) < 0 ? -1 : LibvirtLifeNative.virDomainReboot(domain, RebootGuestAgent);

    /// <summary>All addresses of all cards, as the guest writes them.</summary>
    internal static IReadOnlyList<string> Addresses(DomainHandle domain)
    {
        const string what = "ask the agent in the guest for its addresses";
        LibvirtError.ThrowIfNegative(Limit(domain), what);
        var count = virDomainInterfaceAddresses(domain, out var cards, AddressesOfAgent, 0);
        LibvirtError.ThrowIfNegative(count, what);
        var addresses = new List<string>();
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < cards[i]->Count; j++)
            {
                if (Marshal.PtrToStringUTF8(cards[i]->Addresses[j].Text) is { } text)
                    addresses.Add(text);
            }
            virDomainInterfaceFree(cards[i]);
        }
        LibvirtNative.Free((nint)cards);
        return addresses;
    }

    private static bool HasGoneOff(DomainHandle domain)
    {
        for (var look = 0; look < EndLooks; look++)
        {
            var isOn = LibvirtLifeNative.virDomainIsActive(domain);
            if (isOn < 0)
                LibvirtNative.virResetLastError();
            if (isOn <= 0)
                return true;
            Thread.Sleep(EndLookEvery);
        }
        return false;
    }

    /// <summary>To be called before anything is asked of an agent.</summary>
    internal static int Limit(DomainHandle domain) => virDomainAgentSetResponseTimeout(domain, ResponseSeconds, 0);
}
