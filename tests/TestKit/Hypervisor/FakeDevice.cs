using System.Xml.Linq;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>The element of a card or of a disk.</summary>
internal sealed record FakeDevice(ObservedInterface? Card, ObservedDisk? Disk)
{
    public Guid? Row => Card?.Vnic ?? Disk?.Vdisk;

    public static FakeDevice Parse(string xml)
    {
        try
        {
            var device = XElement.Parse(xml);
            return device.Name == "disk" ? new FakeDevice(null, ObservedDisk.Of(device)) : new FakeDevice(ObservedInterface.Of(device), null);
        }
        catch (System.Xml.XmlException exception)
        {
            throw new HypervisorException(HypervisorFailure.Failed, 27, $"The device cannot be read: {exception.Message}");
        }
    }
}
