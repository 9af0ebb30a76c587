using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Restarts of guests, and the platform's mark in a domain's metadata. Blocking; the results are libvirt's.</summary>
internal static class LibvirtLife
{
    internal static int Reset(DomainHandle domain) => LibvirtLifeNative.virDomainReset(domain, 0);

    // Drivers without ACPI have one way only.
    internal static int Reboot(DomainHandle domain)
    {
        var result = LibvirtLifeNative.virDomainReboot(domain, LibvirtLifeNative.RebootAcpiPowerButton);
        return result < 0 && LibvirtError.LastCode() == LibvirtNative.ErrorInvalidArgument
            ? LibvirtLifeNative.virDomainReboot(domain, 0)
            : result;
    }

    internal static int SetMark(DomainHandle domain, DomainMetadata mark)
    {
        var isOn = LibvirtLifeNative.virDomainIsActive(domain);
        if (isOn < 0)
            return isOn;
        // libvirt declares the namespace itself, and takes a declaration that is there already for an error.
        var element = new XElement("instance", mark.ToXml().Attributes().Where(attribute => !attribute.IsNamespaceDeclaration));
        return LibvirtLifeNative.virDomainSetMetadata(
            domain, LibvirtNative.MetadataElement, element.ToString(), DomainMetadata.Prefix, DomainMetadata.Namespace,
            LibvirtLifeNative.AffectConfig | (isOn > 0 ? LibvirtLifeNative.AffectLive : 0));
    }
}
