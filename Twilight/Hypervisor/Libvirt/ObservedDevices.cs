namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What of a domain is read from its XML.</summary>
internal sealed record ObservedDevices(IReadOnlyList<ObservedInterface> Interfaces, IReadOnlyList<ObservedDisk> Disks, bool HasAgent)
{
    internal static readonly ObservedDevices None = new([], [], false);

    /// <exception cref="System.Xml.XmlException">It cannot be read.</exception>
    internal static ObservedDevices Of(string domainXml) =>
        new(ObservedInterface.AllOf(domainXml), ObservedDisk.AllOf(domainXml), GuestAgentChannel.IsConnected(domainXml));
}
