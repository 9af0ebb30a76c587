using System.Net;
using NUnit.Framework;

namespace PonyCloud.Machine.Network;

/// <summary>A bond of two cards, of which one is used, at a switch that knows nothing of bonds.</summary>
public sealed class ActiveBackupTests
{
    /// <summary>How often the bond looks for a carrier, in milliseconds.</summary>
    private const int Miimon = 100;

    // Lost is what is sent until the bond has looked: at most one interval, which is ten packets. Three, since the machine is
    // emulated, and its kernel may come to it late.
    private static readonly int LostMax = (int)(3 * Miimon / Traffic.Interval.TotalMilliseconds);

    [TestCase(CableKind.Veth)]
    [TestCase(CableKind.Card)]
    public async Task Traffic_survives_the_loss_of_each_cable(CableKind kind)
    {
        await using var cabling = await Cabling.LayAsync(kind);
        await Ip.RunAsync(
            cabling.Neighbour,
            [
                "link add dev switch type bridge",
                .. cabling.There.Select(end => $"link set dev {end} master switch"),
                "link set dev switch up",
                "address add 10.9.0.2/24 dev switch",
            ]);
        await using var bond = await Bond.MakeAsync(
            null, $"mode active-backup miimon {Miimon}", cabling.Address, "10.9.0.1/24", cabling.Here);
        await using var traffic = await Traffic.StartAsync(cabling.Neighbour, IPAddress.Parse("10.9.0.2"));

        for (var number = 0; number < cabling.Here.Length; number++)
        {
            var card = cabling.Here[number];
            var other = cabling.Here[1 - number];
            await Ip.RunAsync(null, $"link set dev {Bond.Name} type bond active_slave {card}");
            var before = await traffic.FlowsAsync();
            await cabling.PlugAsync(number, plugged: false);
            await Ip.SeesAsync("the card to be given up", card, link => (string?)Bond.PartInfo(link)?["mii_status"] == "DOWN");
            var after = await traffic.FlowsAsync();

            Assert.That((string?)(await bond.InfoAsync())["active_slave"], Is.EqualTo(other));
            await TestContext.Out.WriteLineAsync($"{traffic.Lost(before, after)} of {after - before} packets were lost with {card}");
            Assert.That(traffic.Lost(before, after), Is.LessThanOrEqualTo(LostMax), $"packets that were lost with {card}");

            await cabling.PlugAsync(number, plugged: true);
            await Ip.SeesAsync("the card to be there again", card, link => (string?)Bond.PartInfo(link)?["mii_status"] == "UP");
            // It comes back as the spare one, and nothing is lost with that.
            var back = await traffic.FlowsAsync();
            Assert.That((string?)(await bond.InfoAsync())["active_slave"], Is.EqualTo(other));
            Assert.That(traffic.Lost(after, back), Is.Zero, $"packets that were lost when {card} came back");
        }
    }

    [Test]
    public async Task A_bond_without_any_carrier_has_none_itself()
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Veth);
        await using var bond = await Bond.MakeAsync(
            null, $"mode active-backup miimon {Miimon}", cabling.Address, "10.9.0.1/24", cabling.Here);
        await Ip.SeesAsync("a carrier", Bond.Name, Ip.HasCarrier);

        await cabling.PlugAsync(0, plugged: false);
        await cabling.PlugAsync(1, plugged: false);
        await Ip.SeesAsync("no carrier", Bond.Name, link => !Ip.HasCarrier(link));
        Assert.That((await bond.InfoAsync())["active_slave"], Is.Null);

        await cabling.PlugAsync(1, plugged: true);
        await Ip.SeesAsync("a carrier again", Bond.Name, Ip.HasCarrier);
        Assert.That((string?)(await bond.InfoAsync())["active_slave"], Is.EqualTo(cabling.Here[1]));
    }
}
