using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor;

/// <summary>The line to the agent in the guest.</summary>
public static class GuestAgentChannel
{
    /// <summary>By which agents look for it.</summary>
    public const string Name = "org.qemu.guest_agent.0";

    /// <summary>Whether a domain's XML says that somebody in the guest has opened it.</summary>
    /// <exception cref="System.Xml.XmlException">It cannot be read.</exception>
    public static bool IsConnected(string domainXml) =>
        XElement.Parse(domainXml).Element("devices")?.Elements("channel").Elements("target")
            .Any(target => target.Attribute("name")?.Value == Name && target.Attribute("state")?.Value == "connected") == true;
}
