using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Tests.Api;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Networks;

/// <summary>Reverse zones of networks, and who may have them.</summary>
public sealed class ZoneTests : ApiFixture
{
    private static readonly SwitchDesired Own = new() { Uuid = NetworksInMemory.Number(0x31), Tenant = TenantA, Name = "own" };
    private static readonly SwitchDesired Shared = new() { Uuid = NetworksInMemory.Number(0x32), Name = "shared" };

    private int _addresses;

    protected override TimeProvider Clock { get; } = new ManualTime();

    [SetUp]
    public void Plug() => Database.Put(
        Own, Shared, new VnicDesired { Uuid = NetworksInMemory.Number(0x21), Instance = InstanceA, Switch = Own.Uuid, Macaddr = "06:00:00:00:00:01" });

    [TestCase("198.51.100.0/24", "100.51.198.in-addr.arpa.", "198.51.100.9", "9")]
    [TestCase("198.51.100.16/28", "100.51.198.in-addr.arpa.", "198.51.100.17", "17")]
    [TestCase("198.51.100.9/32", "100.51.198.in-addr.arpa.", "198.51.100.9", "9")]
    [TestCase("198.51.100.0/22", "51.198.in-addr.arpa.", "198.51.101.9", "9.101")]
    [TestCase("10.0.0.0/8", "10.in-addr.arpa.", "10.1.2.3", "3.2.1")]
    [TestCase("0.0.0.0/4", "in-addr.arpa.", "10.1.2.3", "3.2.1.10")]
    [TestCase("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::9", "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0")]
    [TestCase("2001:db8:0:1::/66", "1.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8:0:1::a", "a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0")]
    [TestCase("2001:db8::9/128", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::9", "9")]
    public async Task A_zone_ends_at_a_whole_label(string range, string origin, string ip, string name)
    {
        var network = Put(Own, range, (ip, "www.example.org", null));
        var zone = await GetAsync(PathOf(Own, network), Token(Owner, TenantA));
        Assert.That(zone.Status, Is.EqualTo(HttpStatusCode.OK), zone.ToString());
        Assert.That(zone.ContentHeaders.ContentType!.MediaType, Is.EqualTo("text/dns"));
        Assert.That(zone.Text, Is.EqualTo($"""
            $ORIGIN {origin}
            $TTL 300
            @ IN SOA localhost. hostmaster.localhost. {Clock.GetUtcNow().ToUnixTimeSeconds()} 3600 600 604800 300
            @ IN NS localhost.
            {name} IN PTR www.example.org.

            """));
    }

    [Test]
    public async Task An_address_has_its_own_name_else_that_of_its_instance_else_none()
    {
        var network = Put(
            Own, "198.51.100.0/24", ("198.51.100.9", "www.example.org.", NetworksInMemory.Number(0x21)),
            ("198.51.100.10", null, NetworksInMemory.Number(0x21)), ("198.51.100.11", null, null));
        var zone = await GetAsync(PathOf(Own, network), Token(Operator, TenantA));
        Assert.That(
            zone.Text.Split('\n').Where(line => line.Contains("PTR", StringComparison.Ordinal)),
            Is.EqualTo(["10 IN PTR web.internal.", "9 IN PTR www.example.org."]));
    }

    [TestCase(Owner, "A", 200, 403)]
    [TestCase(Operator, "A", 200, 403)]
    [TestCase(Alicorn, null, 200, 200)]
    [TestCase(Stranger, "B", 404, 403)]
    [TestCase(Stranger, null, 404, 403)]
    [TestCase(null, null, 401, 401)]
    public async Task Whoever_reads_the_addresses_reads_the_zone(string? user, string? tenant, int own, int shared)
    {
        var token = user is null ? null : Token(user, tenant switch { "A" => TenantA, "B" => TenantB, _ => null });
        var (inside, outside) = (Put(Own, "198.51.100.0/24"), Put(Shared, "198.51.100.0/24"));
        foreach (var (path, status) in new[] { (PathOf(Own, inside), own), ($"/api/v1/switch/{Shared.Uuid}/network/{outside}/zone", shared) })
        {
            Assert.That((int)(await GetAsync(path, token)).Status, Is.EqualTo(status), path);
            Assert.That((int)(await GetAsync(path.Replace("/zone", "/address", StringComparison.Ordinal), token)).Status, Is.EqualTo(status), path);
        }
    }

    [Test]
    public async Task There_is_no_zone_of_a_network_that_is_elsewhere()
    {
        var outside = Put(Shared, "198.51.100.0/24");
        Assert.That((await GetAsync(PathOf(Own, outside), Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await GetAsync($"/api/v1/switch/{Own.Uuid}/network/{outside}/zone", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await GetAsync($"/api/v1/switch/x/network/{outside}/zone", Token(Alicorn))).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    private Guid Put(SwitchDesired on, string range, params (string Ip, string? Ptr, Guid? Vnic)[] addresses)
    {
        var network = new NetworkDesired { Uuid = NetworksInMemory.Number(0x40 + ++_addresses), Switch = on.Uuid, Range = range };
        Database.Put([network, .. addresses.Select(address => new AddressDesired
        {
            Uuid = NetworksInMemory.Number(0x400 + ++_addresses),
            Network = network.Uuid,
            Ip = address.Ip,
            Ptr = address.Ptr,
            Vnic = address.Vnic,
        })]);
        return network.Uuid;
    }

    private static string PathOf(SwitchDesired on, Guid network) => $"/api/v1/tenant/{TenantA}/switch/{on.Uuid}/network/{network}/zone";
}
