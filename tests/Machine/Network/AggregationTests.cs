using System.Net;
using System.Net.Sockets;
using NUnit.Framework;

namespace PonyCloud.Machine.Network;

/// <summary>A bond of two cards as an aggregate (802.3ad), with a neighbour that has one, too.</summary>
public sealed class AggregationTests
{
    private const string Address = "10.9.0.1/24";
    private const string NeighbourHardware = "02:00:00:00:09:02";
    private static readonly IPAddress Neighbour = IPAddress.Parse("10.9.0.2");

    [TestCase("fast", "layer2+3")]
    [TestCase("slow", "layer3+4")]
    public async Task Both_sides_find_each_other_and_use_both_cables(string rate, string policy)
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Card);
        await using var theirs = await NeighbourAsync(cabling, $"lacp_rate {rate}");
        await using var ours = await OursAsync(cabling, $"lacp_rate {rate} xmit_hash_policy {policy}");

        foreach (var card in cabling.Here)
        {
            var part = Bond.PartInfo(await Ip.ShowAsync(card))!;
            Assert.That(part["ad_partner_oper_port_state_str"]!.Values<string>().Contains("short_timeout"), Is.EqualTo(rate == "fast"));
        }

        var (here, there) = (await ours.InfoAsync(), await theirs.InfoAsync());
        Assert.That((string?)here["mode"], Is.EqualTo("802.3ad"));
        Assert.That((string?)here["ad_lacp_rate"], Is.EqualTo(rate));
        Assert.That((string?)here["xmit_hash_policy"], Is.EqualTo(policy));
        Assert.That((int)here["ad_info"]!["num_ports"]!, Is.EqualTo(2));
        Assert.That((string?)here["ad_info"]!["partner_mac"], Is.EqualTo(NeighbourHardware));
        Assert.That((string?)there["ad_info"]!["partner_mac"], Is.EqualTo(cabling.Address));
        await using var traffic = await Traffic.StartAsync(cabling.Neighbour, Neighbour);
    }

    /// <summary>The policy decides which cable a packet takes: by the addresses of hosts always the same one, by ports either.</summary>
    [TestCase("layer2", false)]
    [TestCase("layer3+4", true)]
    public async Task Flows_to_one_neighbour_are_spread_by_their_ports_alone(string policy, bool spread)
    {
        const int flows = 256;
        await using var cabling = await Cabling.LayAsync(CableKind.Veth);
        await using var theirs = await NeighbourAsync(cabling, "lacp_rate fast");
        await using var ours = await OursAsync(cabling, $"lacp_rate fast xmit_hash_policy {policy}");
        await using (await Traffic.StartAsync(cabling.Neighbour, Neighbour))
        {
            // The neighbour is known now, so nothing waits for its address.
        }

        var before = await SentAsync(cabling);
        for (var flow = 0; flow < flows; flow++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            await socket.SendToAsync(new byte[1], new IPEndPoint(Neighbour, 9000 + flow));
        }

        var sent = (await SentAsync(cabling)).Zip(before, (after, earlier) => after - earlier).ToList();
        await TestContext.Out.WriteLineAsync($"{policy}: {string.Join(" and ", sent)} packets");
        Assert.That(sent.Sum(), Is.GreaterThanOrEqualTo(flows));
        // What the two sides of an aggregate tell each other is a packet now and then on either cable.
        Assert.That(sent.Min(), spread ? Is.GreaterThan(flows / 4) : Is.LessThan(flows / 8));
    }

    [Test]
    public async Task Traffic_survives_the_loss_of_each_cable()
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Veth);
        await using var theirs = await NeighbourAsync(cabling, "lacp_rate fast");
        await using var ours = await OursAsync(cabling, "lacp_rate fast");
        await using var traffic = await Traffic.StartAsync(cabling.Neighbour, Neighbour);
        for (var number = 0; number < cabling.Here.Length; number++)
        {
            var before = await traffic.FlowsAsync();
            await cabling.PlugAsync(number, plugged: false);
            await Ip.SeesAsync("the card to be given up", cabling.Here[number], card => !Bond.Distributes(card));
            var after = await traffic.FlowsAsync();

            await TestContext.Out.WriteLineAsync(
                $"{traffic.Lost(before, after)} of {after - before} packets were lost with {cabling.Here[number]}");
            // None when all go by the other cable; else what is sent until either side has looked for a carrier, as with a spare card.
            Assert.That(traffic.Lost(before, after), Is.LessThanOrEqualTo(30), $"packets that were lost with {cabling.Here[number]}");
            Assert.That((int)(await ours.InfoAsync())["ad_info"]!["num_ports"]!, Is.EqualTo(1));

            await cabling.PlugAsync(number, plugged: true);
            await AggregatedAsync(cabling);
        }
    }

    /// <summary>Only the protocol tells: the neighbour's card has its carrier still, as behind a converter of media.</summary>
    [Test]
    public async Task A_cable_that_is_dead_at_the_other_end_alone_is_given_up()
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Card);
        await using var theirs = await NeighbourAsync(cabling, "lacp_rate fast");
        await using var ours = await OursAsync(cabling, "lacp_rate fast");

        await cabling.PlugAsync(0, plugged: false);

        var given = await Ip.SeesAsync(
            "the neighbour to give up the card", cabling.There[0], card => !Bond.Distributes(card), cabling.Neighbour);
        Assert.That(Ip.HasCarrier(given));
        await using var traffic = await Traffic.StartAsync(cabling.Neighbour, Neighbour);
    }

    [Test]
    public async Task A_neighbour_that_aggregates_nothing_is_no_partner()
    {
        await using var cabling = await Cabling.LayAsync(CableKind.Veth);
        await using var ours = await Bond.MakeAsync(null, "mode 802.3ad miimon 100 lacp_rate fast", cabling.Address, Address, cabling.Here);

        // Waited for as long as it takes to give up a partner, and then believed to be alone.
        var card = await Ip.SeesAsync(
            "the card to be on its own", cabling.Here[0], card => PartState(card).Contains("defaulted"));
        Assert.That(Bond.PartInfo(card)!["ad_partner_oper_port_state_str"]!.Values<string>(), Has.No.Member("in_sync"));
        Assert.That((string?)(await ours.InfoAsync())["ad_info"]!["partner_mac"], Is.EqualTo("00:00:00:00:00:00"));
    }

    private static async Task<Bond> OursAsync(Cabling cabling, string options)
    {
        var bond = await Bond.MakeAsync(null, $"mode 802.3ad miimon 100 {options}", cabling.Address, Address, cabling.Here);
        try
        {
            await AggregatedAsync(cabling);
            return bond;
        }
        catch
        {
            await bond.DisposeAsync();
            throw;
        }
    }

    private static Task<Bond> NeighbourAsync(Cabling cabling, string options) => Bond.MakeAsync(
        cabling.Neighbour, $"mode 802.3ad miimon 100 {options}", NeighbourHardware, $"{Neighbour}/24", cabling.There);

    private static async Task AggregatedAsync(Cabling cabling)
    {
        foreach (var card in cabling.Here)
            await Ip.SeesAsync("the card to be in the aggregate", card, Bond.Distributes);
        foreach (var card in cabling.There)
            await Ip.SeesAsync("the neighbour's card to be in the aggregate", card, Bond.Distributes, cabling.Neighbour);
    }

    private static IEnumerable<string?> PartState(Newtonsoft.Json.Linq.JObject card) =>
        Bond.PartInfo(card)!["ad_actor_oper_port_state_str"]!.Values<string>();

    private static async Task<List<long>> SentAsync(Cabling cabling)
    {
        List<long> sent = [];
        foreach (var card in cabling.Here)
            sent.Add((long)(await Ip.ShowAsync(card))["stats64"]!["tx"]!["packets"]!);
        return sent;
    }
}
