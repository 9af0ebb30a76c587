using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Network;

/// <summary>The machine's network cards are like those of a host.</summary>
public sealed class CardTests
{
    [TearDown]
    public async Task TakeDown()
    {
        await MachineMonitor.PlugAsync(MachineCards.AddressOf(0, 0), plugged: true);
        foreach (var card in MachineCards.All)
        {
            var device = await MachineCards.FindAsync(card.Address);
            await Ip.RunAsync(null, $"link set dev {device} down", $"link set dev {device} address {card.Address}");
        }
    }

    [Test]
    public async Task They_have_a_driver_a_place_and_an_address_that_stays_their_own()
    {
        var address = MachineCards.AddressOf(0, 0);
        var device = await MachineCards.FindAsync(address);
        await Ip.RunAsync(null, $"link set dev {device} address 02:00:00:00:00:01");

        var link = await Ip.ShowAsync(device);
        Assert.That((string?)link["address"], Is.EqualTo("02:00:00:00:00:01"));
        Assert.That((string?)link["permaddr"], Is.EqualTo(address));
        Assert.That(await ChildProcess.RunAsync("udevadm", ["info", "--query=property", $"/sys/class/net/{device}"]), Does
            .Contain("ID_NET_DRIVER=virtio_net").And.Contain("ID_PATH=pci-0000:00:").And.Contain($"ID_NET_NAME={device}"));
        Assert.That(await File.ReadAllTextAsync($"/sys/class/net/{device}/type"), Is.EqualTo("1\n"));
    }

    [Test]
    public async Task One_whose_cable_is_pulled_has_no_carrier_until_it_is_plugged_in_again()
    {
        var device = await MachineCards.FindAsync(MachineCards.AddressOf(0, 0));
        var other = await MachineCards.FindAsync(MachineCards.AddressOf(0, 1));
        await Ip.RunAsync(null, $"link set dev {device} up", $"link set dev {other} up");
        await Ip.SeesAsync("a carrier", device, Ip.HasCarrier);

        await MachineMonitor.PlugAsync(MachineCards.AddressOf(0, 0), plugged: false);
        await Ip.SeesAsync("no carrier", device, link => !Ip.HasCarrier(link));
        // The kernel says so here a little later.
        await Ip.SeesAsync("a card that is down", device, link => (string?)link["operstate"] == "DOWN");
        Assert.That(Ip.HasCarrier(await Ip.ShowAsync(other)), "the other card of the hub");

        await MachineMonitor.PlugAsync(MachineCards.AddressOf(0, 0), plugged: true);
        await Ip.SeesAsync("a carrier again", device, Ip.HasCarrier);
    }
}
