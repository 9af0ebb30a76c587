using System.Globalization;
using System.Xml.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Instances;

/// <summary>Makes libvirt's XML of network cards. Pure.</summary>
public static class CardXml
{
    /// <summary>The card, to be in a definition or to be plugged in. Its tap device is only opened.</summary>
    /// <param name="bootOrder">From 1; null for one that is not booted from.</param>
    public static XElement For(InstanceCard card, int? bootOrder = null) => Interface(
        card.HardwareAddress, LinkNames.Tap(card.Vnic), NameOf(card.Model), card.Mtu, card.IsUp, card.Vnic,
        bootOrder is { } order ? new XElement("boot", new XAttribute("order", order.ToString(CultureInfo.InvariantCulture))) : null,
        // The same place at each start and plugging in, or the guest would call it by another name.
        card.Index is { } index ? PciPorts.Address(PciPorts.OfCard(index)) : null);

    /// <summary>A card that is there, with another link: libvirt takes this for a change of that one only if all else is the same.</summary>
    public static XElement WithLink(ObservedInterface card, bool isUp) => Interface(
        card.HardwareAddress, card.Target, card.Model, card.Mtu, isUp, card.Vnic, null, null);

    /// <summary>libvirt's name of the model.</summary>
    public static string NameOf(VnicModel model) => model switch
    {
        VnicModel.Virtio => "virtio",
        VnicModel.E1000e => "e1000e",
        VnicModel.Rtl8139 => "rtl8139",
        _ => throw new ArgumentOutOfRangeException(nameof(model), model, null),
    };

    private static XElement Interface(
        string? hardwareAddress, string? target, string? model, int? mtu, bool isUp, Guid? vnic, XElement? boot, XElement? address) => new(
        "interface",
        new XAttribute("type", "ethernet"),
        hardwareAddress is null ? null : new XElement("mac", new XAttribute("address", hardwareAddress)),
        new XElement("target", new XAttribute("dev", target ?? ""), new XAttribute("managed", "no")),
        new XElement("model", new XAttribute("type", model ?? "")),
        mtu is null ? null : new XElement("mtu", new XAttribute("size", mtu.Value.ToString(CultureInfo.InvariantCulture))),
        new XElement("link", new XAttribute("state", isUp ? "up" : "down")),
        boot,
        vnic is { } uuid ? new XElement("alias", new XAttribute("name", DeviceAlias.Of(uuid))) : null,
        address);
}
