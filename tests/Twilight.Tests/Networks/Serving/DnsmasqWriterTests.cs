using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

/// <summary>
/// What dnsmasq is told, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class DnsmasqWriterTests
{
    private static readonly DnsmasqPlace Place = new("/run/served", "dnsmasq", "nogroup");

    private static NetworkDesired Network4 => ServedSwitch.Network4;

    [Test]
    public void A_switch_with_both_families() => CompareWithGolden("both.txt", ServedSwitch.Service);

    [Test]
    public void Routed_networks_of_two_vlans() => CompareWithGolden("routed.txt", ServedSwitch.Service with
    {
        Networks =
        [
            Network4 with
            {
                Routed = true,
                ServiceAddress = null,
                VlanTag = 7,
                Ns = TextList.Of(["192.0.2.53", "10.0.0.254"]),
            },
            ServedSwitch.Network6 with
            {
                Routed = true,
                ServiceAddress = null,
                Gateway = "fd00:1::ff",
            },
        ],
    });

    [Test]
    public void Without_a_network_with_dhcp_there_is_nothing_to_serve() =>
        Assert.That(Write(Network4 with { Dhcp = false }, ServedSwitch.Network6 with { Dhcp = false, Routed = true, Gateway = "fd00:1::ff" }), Is.Null);

    [Test]
    public void A_network_without_a_gateway_has_no_router_and_no_route_to_one()
    {
        var files = Write(Network4 with { Gateway = null })!;

        Assert.That(files.Options, Does.Contain("option:router\n"));
        Assert.That(files.Options, Does.Contain("option:classless-static-route,169.254.169.254/32,10.0.0.253,10.9.0.0/16,10.0.0.9\n"));
    }

    [Test]
    public void Of_several_addresses_of_a_card_the_first_of_each_family_is_given()
    {
        var service = ServedSwitch.Service with { Ports = [ServedSwitch.Port(1, ServedSwitch.Here, "Web", "10.0.0.1", "10.0.0.2", "fd00:1::1", "fd00:1::2")] };
        var files = DnsmasqWriter.Write(service, Place)!;

        Assert.That(files.Guests, Is.EqualTo("02:aa:00:00:00:01,10.0.0.1\n02:aa:00:00:00:01,[fd00:1::1]\n"));
    }

    [Test]
    public void A_network_that_overlaps_another_is_left_out_and_named()
    {
        var files = Write(Network4, Network4 with { Uuid = Guid.Parse("4e000000-0000-4000-8000-000000000009"), VlanTag = 9, Range = "10.0.0.0/16" })!;

        Assert.That(files.Problems, Is.EqualTo(["Network 10.0.0.0/16 overlaps with 10.0.0.0/24, and is not served."]));
        Assert.That(files.Main.Split('\n').Count(line => line.StartsWith("dhcp-range=", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public void A_large_network_of_IPv6_has_names_and_no_leases()
    {
        var files = Write(ServedSwitch.Network6 with { Range = "fd00:1::/48" })!;

        Assert.That(files.Problems.Single(), Does.Contain("fd00:1::/48").And.Contain("/64"));
        Assert.That(files.Main, Does.Contain("interface=guests\n").And.Not.Contain("dhcp-range").And.Not.Contain("enable-ra"));
        Assert.That(files.Hosts, Does.Contain("fd00:1::1 web.internal web\n"));
    }

    [Test]
    public void Routes_that_do_not_fit_are_named_and_left_out()
    {
        var routes = Enumerable.Range(0, 40).Select(number => ServedSwitch.Route with { Uuid = Guid.NewGuid(), Route = $"10.8.{number}.0/24" });
        var files = DnsmasqWriter.Write(ServedSwitch.Service with { Networks = [Network4], Routes = [.. routes] }, Place)!;

        Assert.That(files.Problems.Single(), Does.Contain("more routes"));
        Assert.That(files.Options, Does.Not.Contain("classless"));
    }

    [Test]
    public void A_name_alone_takes_nobody_elses_place()
    {
        var ports = new[] { ServedSwitch.Port(1, ServedSwitch.Here, "www.example.org", "10.0.0.1"), ServedSwitch.Port(2, ServedSwitch.Here, "localhost", "10.0.0.2") };
        var files = DnsmasqWriter.Write(ServedSwitch.Service with { Ports = [.. ports] }, Place)!;

        Assert.That(files.Hosts, Is.EqualTo("10.0.0.2 localhost.internal\n10.0.0.1 www.example.org.internal\n"));
    }

    [Test]
    public void What_changes_names_and_leases_changes_no_more_than_what_is_read_again()
    {
        var before = DnsmasqWriter.Write(ServedSwitch.Service, Place)!;
        var more = DnsmasqWriter.Write(
            ServedSwitch.Service with { Ports = ServedSwitch.Service.Ports.Add(ServedSwitch.Port(9, ServedSwitch.Here, "new", "10.0.0.9")) }, Place)!;
        var wider = DnsmasqWriter.Write(ServedSwitch.Service with { Mtu = 9000 }, Place)!;

        Assert.That((more.Shape == before.Shape, more.Content == before.Content), Is.EqualTo((true, false)));
        Assert.That(wider.Shape, Is.Not.EqualTo(before.Shape));
    }

    [Test]
    public void The_order_of_rows_does_not_matter()
    {
        var service = ServedSwitch.Service;
        var turned = service with
        {
            Networks = [.. service.Networks.Reverse()],
            Ports = [.. service.Ports.Reverse()],
            Addresses = [.. service.Addresses.Reverse()],
        };
        Assert.That(DnsmasqWriter.Write(turned, Place)!.All, Is.EqualTo(DnsmasqWriter.Write(service, Place)!.All));
    }

    private static DnsmasqFiles? Write(params NetworkDesired[] networks) => DnsmasqWriter.Write(ServedSwitch.Service with { Networks = [.. networks] }, Place);

    private static void CompareWithGolden(string name, SwitchService service)
    {
        var files = DnsmasqWriter.Write(service, Place)!;
        var all = string.Concat(files.Reread.Prepend((DnsmasqFiles.MainFile, files.Main)).Select(file => $"== {file.Item1}\n{file.Item2}"));
        var path = Repository.At("tests", "Twilight.Tests", "Networks", "Serving", "Golden", name);
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, all);
        Assert.That(files.Problems, Is.Empty);
        Assert.That(all, Is.EqualTo(File.ReadAllText(path)));
    }
}
