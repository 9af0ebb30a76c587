using Newtonsoft.Json.Linq;
using PonyCloud.Database.Tests.Rules;

namespace PonyCloud.Database.Tests;

/// <summary>Instances with their network cards and addresses, made by one request of a tenant.</summary>
[TestFixture]
public sealed class ApiTreeTests
{
    private const string Tenant = "/api/v1/tenant/@d1";
    private const string Nothing = "00000000-0000-4000-8000-00000000dead";

    private static readonly string World = """
        INSERT INTO "user" (email, data) VALUES ('owner@own.example', '1');
        INSERT INTO tenant (uuid, name, approved) VALUES (u('d1'), 'own', true), (u('d2'), 'foreign', true);
        INSERT INTO member ("user", tenant, role) VALUES ('owner@own.example', u('d1'), 'owner');
        INSERT INTO switch (uuid, tenant, name) VALUES (u('f1'), u('d1'), 'own'), (u('f2'), u('d2'), 'foreign'), (u('f3'), NULL, 'shared');
        INSERT INTO network (uuid, switch, range, gateway) VALUES
            (u('11'), u('f1'), '198.51.100.0/24', '198.51.100.1'), (u('12'), u('f2'), '198.51.100.0/24', NULL),
            (u('13'), u('f1'), '203.0.113.0/32', NULL);
        INSERT INTO instance (uuid, tenant, name, mem) VALUES (u('e1'), u('d1'), 'there', 64);
        INSERT INTO vnic (uuid, instance, switch) VALUES (u('31'), u('e1'), u('f1'));
        """.Uuids();

    private ApiOnPostgres _api = null!;
    private string _token = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _api = await ApiOnPostgres.StartAsync(World);
        _token = _api.TokenOf("owner@own.example", "@d1".UuidsInRequest());
    }

    [TearDown]
    public async Task StopAsync() => await _api.DisposeAsync();

    [Test]
    public async Task One_request_makes_an_instance_with_its_cards_and_addresses()
    {
        var made = await SendAsync("POST", $"{Tenant}/instance", """
            {"desired": {"name": "web", "mem": 64}, "children": {"vnic": {
                "$front": {"desired": {"switch": "@f1"}, "children": {"address": {
                    "$first": {"desired": {"network": "@11"}}, "$second": {"desired": {"network": "@11"}}}}},
                "$back": {"desired": {"switch": "@f3"}}}}}
            """);
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var uuids = (JObject)made.Json["uuids"]!;
        Assert.That(uuids.Properties().Select(name => name.Name), Is.SupersetOf(["$front", "$back", "$first", "$second"]));

        // What the database made is there at once.
        var cards = (await SendAsync("GET", $"{made.Location}/vnic")).Json;
        var addresses = (await SendAsync("GET", $"{made.Location}/vnic/{uuids["$front"]}/address")).Json;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Values(cards, "index"), Is.EquivalentTo(["0", "1"]));
            Assert.That(Values(cards, "macaddr"), Has.All.Match("^06(:[0-9a-f]{2}){5}$").And.Exactly(2).Items.And.Unique);
            Assert.That(Values(cards, "instance"), Has.All.EqualTo(made.Location!.ToString().Split('/')[^1]));
            Assert.That(addresses.Properties().Select(row => row.Name), Is.EquivalentTo([(string)uuids["$first"]!, (string)uuids["$second"]!]));
            // Behind the gateway.
            Assert.That(Values(addresses, "ip"), Is.EquivalentTo(["198.51.100.2", "198.51.100.3"]));
            Assert.That(Values(addresses, "vnic"), Has.All.EqualTo((string)uuids["$front"]!));
        }
    }

    [Test]
    public async Task One_request_makes_a_switch_with_its_networks_and_cards_on_it()
    {
        var made = await SendAsync("POST", $"{Tenant}/switch", """
            {"desired": {"name": "lan"}, "children": {
                "network": {"$net": {"desired": {"range": "10.0.0.0/24", "gateway": "10.0.0.254", "dhcp": true},
                    "children": {"route": {"$route": {"desired": {"route": "192.0.2.0/24", "via": "10.0.0.253"}}},
                                 "address": {"$address": {"desired": {"vnic": "$card"}}}}}},
                "vnic": {"$card": {"desired": {"instance": "@e1"}}}}}
            """);
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var address = (await SendAsync(
            "GET", $"{made.Location}/network/{made.Json["uuids"]!["$net"]}/address/{made.Json["uuids"]!["$address"]}")).Json;
        Assert.That((string?)address["desired"]!["ip"], Is.EqualTo("10.0.0.1"), address.ToString());
        Assert.That((string?)address["desired"]!["vnic"], Is.EqualTo((string?)made.Json["uuids"]!["$card"]));
        Assert.That((int?)(await SendAsync("GET", made.Location!.ToString())).Json["desired"]!["tag"], Is.Positive);
    }

    [Test]
    public async Task A_tree_that_is_refused_at_one_leaf_leaves_nothing()
    {
        // The network has one address.
        var refused = await SendAsync("POST", $"{Tenant}/instance", """
            {"desired": {"name": "web", "mem": 64}, "children": {"vnic": {"$card": {"desired": {"switch": "@f1"}, "children": {"address": {
                "$a": {"desired": {"network": "@13"}}, "$b": {"desired": {"network": "@13"}}}}}}}}
            """);
        Assert.That(refused.Status, Is.EqualTo(422), refused.Json.ToString());
        Assert.That((string?)refused.Json["constraint"], Is.EqualTo("address_ip_available"));
        Assert.That((string?)refused.Json["pointer"], Is.EqualTo("/children/vnic/$card/children/address/$b/desired/ip"));
        var instances = (await SendAsync("GET", $"{Tenant}/instance")).Json;
        Assert.That(Values(instances, "name"), Is.EqualTo(["there"]));
        Assert.That((await SendAsync("GET", $"{Tenant}/switch/@f1/network/@13/address")).Json, Is.Empty);
    }

    [TestCase("/instance/@e1/vnic", "switch", "@f2", "")]
    [TestCase("/instance/@e1/vnic/@31/address", "network", "@12", "")]
    [TestCase("/instance", "switch", "@f2", "/children/vnic/$card")]
    public async Task What_belongs_to_another_tenant_is_refused_like_what_is_not_there(string path, string field, string foreign, string place)
    {
        var (answer, control) = (await TryAsync(foreign), await TryAsync(Nothing));
        Assert.That(answer.Status, Is.EqualTo(422), answer.Json.ToString());
        Assert.That((string?)answer.Json["pointer"], Is.EqualTo($"{place}/desired/{field}"));
        Assert.That(answer.Json["constraint"], Is.Null, "it was not even looked up");
        answer.Json.Remove("trace_id");
        control.Json.Remove("trace_id");
        Assert.That(answer.Json, Is.EqualTo(control.Json).Using(JToken.EqualityComparer));

        Task<(int Status, JObject Json, string? Tag, Uri? Location)> TryAsync(string uuid)
        {
            var row = $$$"""{"desired": {"{{{field}}}": "{{{uuid}}}"}}""";
            return SendAsync("POST", Tenant + path, place.Length == 0
                ? row
                : $$$"""{"desired": {"name": "new", "mem": 64}, "children": {"vnic": {"$card": {{{row}}} } } }""");
        }
    }

    private Task<(int Status, JObject Json, string? Tag, Uri? Location)> SendAsync(string method, string path, string? body = null) =>
        _api.SendAsync(method, path.UuidsInRequest(), body?.UuidsInRequest(), "application/json", "Authorization", $"Bearer {_token}");

    private static IEnumerable<string?> Values(JObject rows, string field) =>
        rows.Properties().Select(row => (string?)row.Value["desired"]![field]);
}
