using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Metadata;
using PonyCloud.Twilight.Metadata.Documents;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>
/// What instances are told, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class MetadataTreeTests
{
    private static readonly MetadataIndex Index = new(MetadataScene.Orders, MetadataScene.WithDisk);

    [Test]
    public void All_that_there_is_of_an_instance() => CompareWithGolden("web.txt", Written(Find(MetadataScene.Web)));

    [Test]
    public void An_instance_of_which_the_platform_knows_no_address() => CompareWithGolden("lonely.txt", Written(Find(MetadataScene.Lonely)));

    [Test]
    public void The_disk_of_an_instance() => CompareWithGolden("web-disk.txt", Files(Find(MetadataScene.Web)));

    [Test]
    public void The_disk_of_an_instance_of_which_the_platform_knows_no_address() => CompareWithGolden("lonely-disk.txt", Files(Find(MetadataScene.Lonely)));

    [Test]
    public void The_disk_of_an_instance_without_DHCP()
    {
        var networks = new[] { MetadataScene.Leased with { Dhcp = false }, MetadataScene.Tagged, MetadataScene.Ipv6 with { Dhcp = false } };
        var orders = MetadataScene.Orders with
        {
            Networks = networks.ToLookup(network => network.Switch),
            NetworksByUuid = networks.ToDictionary(network => network.Uuid),
        };
        CompareWithGolden("static-disk.txt", Files(new MetadataIndex(orders, MetadataScene.WithDisk).Of(MetadataScene.Web, _ => null)!));
    }

    [TestCase("🔑")]
    [TestCase(@"\🔑🔑\\\\uD83D\\uDD11\")]
    public void Characters_beyond_16_bits_stand_as_they_are(string text)
    {
        var written = MetadataJson.Text(new JsonObject { ["a"] = text });
        Assert.That(written, Does.Contain("🔑"));
        Assert.That(JsonNode.Parse(written)!["a"]!.GetValue<string>(), Is.EqualTo(text));
    }

    [TestCase("10.0.0.1", ExpectedResult = "Web")]
    [TestCase("10.0.0.2", ExpectedResult = "Web")]
    [TestCase("fd00:1::a", ExpectedResult = "Web")]
    [TestCase("10.0.0.3", ExpectedResult = "neighbour")]
    [TestCase("10.0.0.4", ExpectedResult = null, Description = "nobody's")]
    [TestCase("10.7.0.2", ExpectedResult = null, Description = "in a network that is not served")]
    [TestCase("203.0.113.100", ExpectedResult = null, Description = "a floating one")]
    public string? An_address_on_a_switch_is_an_instance_s(string address) =>
        Index.OwnerOf(MetadataScene.Switch, IPAddress.Parse(address)) is { } instance ? Find(instance).Name : null;

    [Test]
    public void The_same_address_on_another_switch_is_not() =>
        Assert.That(Index.OwnerOf(MetadataScene.Plain, IPAddress.Parse("10.0.0.1")), Is.Null);

    [Test]
    public void An_instance_that_has_no_place_here_is_told_nothing() => Assert.That(Index.Of(Guid.NewGuid(), _ => null), Is.Null);

    [TestCase("/latest/meta-data/instance-id")]
    [TestCase("/latest/meta-data/instance-id/")]
    [TestCase("//latest//meta-data//instance-id")]
    [TestCase("/2009-04-04/meta-data/instance-id")]
    [TestCase("/2024-01-01/meta-data/instance-id")]
    public void Paths_and_versions_are_read_as_clients_write_them(string path) =>
        Assert.That(MetadataTree.Find(Find(MetadataScene.Web), path), Is.EqualTo(new MetadataNode.Leaf(MetadataScene.Web.ToString())));

    [TestCase("/2008-02-01/meta-data/instance-id", Description = "before the first")]
    [TestCase("/2009-04-04x/meta-data/instance-id")]
    [TestCase("/meta-data/instance-id")]
    [TestCase("/latest/meta-data/instance-id/more")]
    [TestCase("/latest/meta-data/../user-data")]
    [TestCase("/latest/meta-data/Instance-Id")]
    [TestCase("/openstack/2012-08-10/meta_data.json")]
    public void What_is_not_there_is_not_found(string path) => Assert.That(MetadataTree.Find(Find(MetadataScene.Web), path), Is.Null);

    [TestCase("user_data")]
    [TestCase("user-data")]
    public void Without_user_data_there_is_none(string name) =>
        Assert.That(MetadataTree.Find(Find(MetadataScene.Neighbour), name == "user_data" ? "/openstack/latest/user_data" : "/latest/user-data"), Is.Null);

    [Test]
    public void Who_gets_an_address_by_DHCP_on_a_card_with_its_cable_plugged_in_reaches_the_service()
    {
        Assert.That((Find(MetadataScene.Web).ReachesService, Find(MetadataScene.Lonely).ReachesService), Is.EqualTo((true, false)));
        var down = MetadataScene.Orders with { Vnics = MetadataScene.Orders.Vnics.SelectMany(cards => cards).Select(card => card with { Link = VnicLink.Down }).ToLookup(card => card.Switch) };
        Assert.That(new MetadataIndex(down, MetadataScene.WithDisk).Of(MetadataScene.Web, _ => null)!.ReachesService, Is.False);
        var without = MetadataScene.Orders with { Networks = new[] { MetadataScene.Leased with { Dhcp = false, Routed = true }, MetadataScene.Ipv6 }.ToLookup(network => network.Switch) };
        Assert.That(new MetadataIndex(without, MetadataScene.WithDisk).Of(MetadataScene.Web, _ => null)!.ReachesService, Is.False, "it would not know its address");
    }

    [Test]
    public void An_instance_s_own_name_servers_take_the_place_of_the_network_s()
    {
        var own = MetadataScene.Orders with
        {
            Instances = new[] { MetadataScene.WebRow with { Ns = TextList.Of(["198.51.100.53", "2001:db8::99"]) } }.ToDictionary(instance => instance.Uuid),
        };
        var tagged = new MetadataIndex(own, MetadataScene.WithDisk).Of(MetadataScene.Web, _ => null)!.Cards[1].Addresses.Single();
        Assert.That(tagged.NameServers, Is.EqualTo(["198.51.100.53"]));
    }

    private static InstanceMetadata Find(Guid instance) => Index.Of(instance, card => card == MetadataScene.CardUuid(1) ? 1450 : null)!;

    private static string Written(InstanceMetadata instance)
    {
        var text = new StringBuilder();
        foreach (var path in new[] { "/", "/latest", "/openstack" })
            Write(text, path, MetadataTree.Find(instance, path)!);
        return text.ToString();
    }

    private static void Write(StringBuilder text, string path, MetadataNode node)
    {
        text.Append($"== {path}{(node is MetadataNode.Leaf { ContentType: MetadataNode.Leaf.Json } ? " json" : "")}\n");
        text.Append(node switch
        {
            MetadataNode.Leaf leaf => leaf.Content,
            MetadataNode.Branch branch => branch.Listing,
            _ => "",
        }).Append('\n');
        if (node is not MetadataNode.Branch { Children: var children } || path == "/openstack/2018-08-27")
            return;
        foreach (var (name, child) in children)
            Write(text, $"{path}/{name}", child);
    }

    private static string Files(InstanceMetadata instance) =>
        string.Concat(NoCloudFiles.Of(instance).Select(file => $"== {file.Key}\n{file.Value}"));

    private static void CompareWithGolden(string name, string text)
    {
        var path = Repository.At("tests", "Twilight.Tests", "Metadata", "Golden", name);
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") is not null)
            File.WriteAllText(path, text);
        Assert.That(text, Is.EqualTo(File.ReadAllText(path)));
    }
}
