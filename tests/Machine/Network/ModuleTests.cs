using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Network;

/// <summary>The kernel has what networks of hosts are made of.</summary>
public sealed class ModuleTests
{
    [Test]
    public async Task All_that_networks_need_can_be_loaded()
    {
        string[] modules =
        [
            "bonding", "8021q", "bridge", "vxlan", "veth", "tun", "virtio_net",
            "nf_tables", "nft_ct", "nft_nat", "nft_masq", "nf_conntrack_bridge",
            "ifb", "sch_ingress", "sch_tbf", "sch_htb", "cls_matchall", "act_police", "act_mirred",
        ];
        await ChildProcess.RunAsync("modprobe", ["--all", .. modules]);

        Assert.That(
            File.ReadLines("/proc/modules").Select(line => line.Split(' ')[0]),
            Is.SupersetOf(modules.Select(module => module.Replace('-', '_'))));
    }

    /// <summary>It would send frames of bridges through the filters of the host.</summary>
    [Test]
    public void Frames_of_bridges_are_not_filtered_as_packets_of_the_host() =>
        Assert.That(Directory.Exists("/sys/module/br_netfilter"), Is.False);
}
