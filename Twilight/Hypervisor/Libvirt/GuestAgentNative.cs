using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The part of libvirt's C API that asks agents in guests.</summary>
internal static unsafe partial class GuestAgentNative
{
    private const string Library = "libvirt.so.0";

    internal const uint ShutdownGuestAgent = 2;
    internal const uint RebootGuestAgent = 2;
    internal const uint AddressesOfAgent = 1;

    /// <summary>How long commands to the agent of a domain that is on may take from now on.</summary>
    [LibraryImport(Library)]
    internal static partial int virDomainAgentSetResponseTimeout(DomainHandle domain, int seconds, uint flags);

    /// <param name="interfaces">Each is to be freed by <see cref="virDomainInterfaceFree"/>, and then the array.</param>
    /// <returns>How many.</returns>
    [LibraryImport(Library)]
    internal static partial int virDomainInterfaceAddresses(DomainHandle domain, out VirDomainInterface** interfaces, uint source, uint flags);

    [LibraryImport(Library)]
    internal static partial void virDomainInterfaceFree(VirDomainInterface* card);

    /// <summary><c>virDomainInterface</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirDomainInterface
    {
        internal nint Name;
        internal nint HardwareAddress;
        internal uint Count;
        internal VirDomainIpAddress* Addresses;
    }

    /// <summary><c>virDomainIPAddress</c></summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirDomainIpAddress
    {
        internal int Type;
        internal nint Text;
        internal uint Prefix;
    }
}
