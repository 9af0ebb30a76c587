using System.Net;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Network;

/// <summary>VLANs on a bond.</summary>
public sealed class VlanTests
{
    [Test]
    public async Task They_carry_traffic_and_nothing_of_each_other()
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Veth);
        await using var theirs = await Bond.MakeAsync(
            cabling.Neighbour, "mode 802.3ad miimon 100", "02:00:00:00:09:02", "10.9.0.2/24", cabling.There);
        await using var ours = await Bond.MakeAsync(null, "mode 802.3ad miimon 100", cabling.Address, "10.9.0.1/24", cabling.Here);
        foreach (var vlan in new[] { 100, 200 })
        {
            await Ip.RunAsync(cabling.Neighbour, Vlan(vlan, 2));
            await Ip.RunAsync(null, Vlan(vlan, 1));
        }
        await Ip.SeesAsync("the aggregate", cabling.Here[0], Bond.Distributes);

        foreach (var address in new[] { "10.9.0.2", "10.100.0.2", "10.200.0.2" })
        {
            await using var traffic = await Traffic.StartAsync(cabling.Neighbour, IPAddress.Parse(address));
        }

        // A device that answers for its own address alone: so an answer tells in which VLAN the question came out.
        await cabling.Neighbour.RunAsync("sysctl", "--write", "net.ipv4.conf.all.arp_ignore=1");
        await ArpAsync("vlan200", "10.200.0.2");
        Assert.That(() => ArpAsync("vlan100", "10.200.0.2"), Throws.TypeOf<AssertionException>().With.Message.Contains("exit code 1"));
        Assert.That((await Ip.ShowAsync("vlan100"))["linkinfo"]!["info_data"]!.ToString(), Does
            .Contain("\"id\": 100").And.Contain("\"protocol\": \"802.1Q\""));
    }

    private static string[] Vlan(int id, int end) =>
    [
        $"link add link {Bond.Name} name vlan{id} type vlan id {id}",
        $"link set dev vlan{id} up",
        $"address add 10.{id}.0.{end}/24 dev vlan{id}",
    ];

    private static Task<string> ArpAsync(string device, string address) =>
        ChildProcess.RunAsync("arping", ["-c", "2", "-w", "1", "-f", "-I", device, address]);
}
