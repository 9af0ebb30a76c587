using Newtonsoft.Json.Linq;
using PonyCloud.Database.Tests.Rules;

namespace PonyCloud.Database.Tests;

/// <summary>Instances made from templates by one request of a tenant: <c>@e1</c> is the tenant's own, <c>@e2</c> everybody's, <c>@e3</c> a foreign one.</summary>
[TestFixture]
public sealed class TemplateTests
{
    private const string Instances = "/api/v1/tenant/@d1/instance";
    private const string Nothing = "00000000-0000-4000-8000-00000000dead";

    private static readonly string World = """
        INSERT INTO "user" (email, data) VALUES ('owner@own.example', '1');
        INSERT INTO tenant (uuid, name, approved) VALUES (u('d1'), 'own', true), (u('d2'), 'foreign', true);
        INSERT INTO member ("user", tenant, role) VALUES ('owner@own.example', u('d1'), 'owner');
        INSERT INTO storage_pool (uuid, name, type, config) VALUES
            (u('c1'), 'fast', 'dir', '{"path": "/srv"}'), (u('c2'), 'closed', 'dir', '{"path": "/x"}');
        INSERT INTO quota (tenant, type, "limit", storage_pool) VALUES (u('d1'), 'storage', 1000, u('c1'));
        INSERT INTO quota (tenant, type, "limit") VALUES (u('d1'), 'instances', 3);
        INSERT INTO image (uuid, tenant, name, type) VALUES
            (u('a1'), NULL, 'debian', 'disk'), (u('a2'), u('d1'), 'own', 'disk'), (u('a3'), NULL, 'installer', 'cdrom');
        INSERT INTO switch (uuid, tenant, name) VALUES (u('f1'), u('d1'), 'own'), (u('f2'), u('d2'), 'foreign'), (u('f3'), NULL, 'shared');
        INSERT INTO network (uuid, switch, range, gateway) VALUES (u('11'), u('f1'), '198.51.100.0/24', '198.51.100.1');
        INSERT INTO security_group (uuid, tenant, name) VALUES (u('51'), u('d1'), 'closed');
        INSERT INTO instance (uuid, tenant, name, mem, vcpu, template, user_data) VALUES
            (u('e1'), u('d1'), 'template', 512, 2, true, '#cloud-config'), (u('e2'), NULL, 'everybodys', 256, 1, true, NULL),
            (u('e3'), u('d2'), 'foreign', 64, 1, true, NULL), (u('e4'), u('d1'), 'running', 64, 1, false, NULL);
        INSERT INTO vdisk (instance, storage_pool, size, base_image, index, bus, iops_max) VALUES (u('e1'), u('c1'), 100, u('a2'), 0, 'scsi', 500);
        INSERT INTO vdisk (instance, storage_pool, size, index) VALUES (u('e1'), u('c1'), 50, 2);
        INSERT INTO vdisk (uuid, instance, image, index, bus) VALUES (u('b1'), u('e1'), u('a3'), 1, 'sata');
        INSERT INTO vdisk (uuid, instance, storage_pool, size, base_image) VALUES (u('b2'), u('e2'), u('c1'), 100, u('a1'));
        INSERT INTO vnic (uuid, instance, switch, index, model) VALUES (u('31'), u('e1'), u('f1'), 0, 'e1000e');
        INSERT INTO vnic (uuid, instance, switch) VALUES (u('32'), u('e1'), u('f3')), (u('33'), u('e2'), u('f3'));
        INSERT INTO address (network, vnic, ip) VALUES (u('11'), u('31'), '198.51.100.9');
        INSERT INTO vnic_security_group (vnic, security_group) VALUES (u('31'), u('51'));
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
    public async Task One_request_makes_an_instance_with_all_that_its_template_has()
    {
        var made = await MakeAsync("""{"template": "@e1", "desired": {"name": "web", "vcpu": 4}}""");
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var uuids = (JObject)made.Json["uuids"]!;
        Assert.That(uuids.Properties().Select(name => name.Name), Is.EquivalentTo(
        [
            "POST", "POST/volume/0", "POST/volume/2", "POST/vdisk/0", "POST/vdisk/1", "POST/vdisk/2", "POST/vnic/0", "POST/vnic/1",
            "POST/vnic/0/address/0", "POST/vnic/0/security-group/0",
        ]));

        // It is there at once, and stays as it is when the template goes.
        for (var isGone = false; ; isGone = true)
        {
            var instance = (await SendAsync("GET", made.Location!.ToString())).Json["desired"]!;
            var volumes = (await SendAsync("GET", "/api/v1/tenant/@d1/volume")).Json;
            var disks = (await SendAsync("GET", $"{made.Location}/vdisk")).Json;
            var cards = (await SendAsync("GET", $"{made.Location}/vnic")).Json;
            var card = $"{made.Location}/vnic/{uuids["POST/vnic/0"]}";
            var address = (await SendAsync("GET", $"{card}/address/{uuids["POST/vnic/0/address/0"]}")).Json["desired"]!;
            var group = (await SendAsync("GET", $"{card}/security-group/{uuids["POST/vnic/0/security-group/0"]}")).Json["desired"]!;
            using (Assert.EnterMultipleScope())
            {
                Assert.That(Fields(instance, "name", "vcpu", "mem", "user_data", "template", "state"),
                    Is.EqualTo("web 4 512 #cloud-config False stopped"));
                Assert.That(Rows(volumes, "name", "size", "storage_pool", "base_image", "content"),
                    Is.EquivalentTo(["web-0 100 @c1 @a2 pending", "web-2 50 @c1  pending"]));
                Assert.That(Rows(disks, "index", "bus", "iops_max", "image", "storage_pool", "size"),
                    Is.EquivalentTo(["0 scsi 500   ", "1 sata  @a3  ", "2 virtio    "]));
                Assert.That((string?)disks[(string)uuids["POST/vdisk/2"]!]!["desired"]!["volume"], Is.EqualTo((string?)uuids["POST/volume/2"]));
                Assert.That(Rows(cards, "index", "switch", "model"), Is.EquivalentTo(["0 @f1 e1000e", "1 @f3 virtio"]));
                Assert.That(cards.Properties().Select(row => (string?)row.Value["desired"]!["macaddr"]), Has.All.Not.Null);
                Assert.That((string?)address["ip"], Is.EqualTo("198.51.100.2"), "behind the gateway");
                Assert.That((string?)group["security_group"], Is.EqualTo("@51".UuidsInRequest()));
            }
            if (isGone)
                break;
            Assert.That((await SendAsync("DELETE", $"{Instances}/@e1")).Status, Is.EqualTo(204));
        }
    }

    [Test]
    public async Task What_the_request_says_lies_over_the_template_and_comes_in_addition()
    {
        var made = await MakeAsync("""
            {"template": "@e1", "desired": {"name": "web"}, "children": {
                "vdisk": {
                    "$cd": {"desired": {"image": "@a3"}},
                    "$root": {"desired": {"index": 0, "size": 200, "bus": "virtio"}},
                    "$far": {"desired": {"index": 9, "image": "@a3"}}},
                "vnic": {
                    "$in": {"desired": {"index": 0, "macaddr": "06:00:00:00:00:01"},
                        "children": {"address": {"$a": {"desired": {"network": "@11", "ip": "198.51.100.77"}}}}},
                    "$more": {"desired": {"switch": "@f1"}, "children": {"address": {"$b": {"desired": {"network": "@11", "vnic": "$more"}}}}}}}}
            """);
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var uuids = (JObject)made.Json["uuids"]!;
        var disks = (await SendAsync("GET", $"{made.Location}/vdisk")).Json;
        var card = $"{made.Location}/vnic/{uuids["$in"]}";
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Rows(disks, "index", "bus", "iops_max", "image"),
                Is.EquivalentTo(["0 virtio 500 ", "1 sata  @a3", "2 virtio  ", "3 virtio  @a3", "9 virtio  @a3"]));
            Assert.That((int?)disks[(string)uuids["$cd"]!]!["desired"]!["index"], Is.EqualTo(3), "behind those of the template");
            Assert.That(Rows((await SendAsync("GET", "/api/v1/tenant/@d1/volume")).Json, "name", "size"), Is.EquivalentTo(["web-0 200", "web-2 50"]));
            Assert.That((string?)(await SendAsync("GET", card)).Json["desired"]!["macaddr"], Is.EqualTo("06:00:00:00:00:01"));
            Assert.That(Rows((await SendAsync("GET", $"{card}/address")).Json, "ip"), Is.EqualTo(["198.51.100.77"]));
            Assert.That((await SendAsync("GET", $"{card}/security-group")).Json, Has.Count.EqualTo(1), "it is not opened");
            Assert.That((await SendAsync("GET", $"{made.Location}/vnic")).Json, Has.Count.EqualTo(3));
        }
    }

    [Test]
    public async Task The_same_request_again_makes_nothing_more()
    {
        const string Body = """{"template": "@e1", "desired": {"name": "web"}}""";
        var first = await SendAsync("POST", Instances, Body, "Idempotency-Key", "once");
        var again = await SendAsync("POST", Instances, Body, "Idempotency-Key", "once");
        Assert.That((again.Status, again.Location), Is.EqualTo((201, first.Location)), again.Json.ToString());
        Assert.That(again.Json, Is.EqualTo(first.Json).Using(JToken.EqualityComparer));
        Assert.That((await SendAsync("GET", "/api/v1/tenant/@d1/volume")).Json, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_template_of_nobody_is_everybodys()
    {
        var made = await MakeAsync("""{"template": "@e2", "desired": {"name": "web"}}""");
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var volume = (await SendAsync("GET", $"/api/v1/tenant/@d1/volume/{made.Json["uuids"]!["POST/volume/0"]}")).Json["desired"]!;
        Assert.That(Fields(volume, "tenant", "name", "base_image"), Is.EqualTo("@d1 web-0 @a1"));
    }

    [TestCase("@e3", "a foreign one")]
    [TestCase("@e4", "none")]
    public async Task What_is_no_template_of_the_tenant_is_refused_like_what_is_not_there(string template, string what)
    {
        var answer = await MakeAsync($$$"""{"template": "{{{template}}}", "desired": {"name": "web"}}""");
        var control = await MakeAsync($$$"""{"template": "{{{Nothing}}}", "desired": {"name": "web"}}""");
        Assert.That((answer.Status, (string?)answer.Json["pointer"]), Is.EqualTo((422, "/template")), what);
        answer.Json.Remove("trace_id");
        control.Json.Remove("trace_id");
        Assert.That(answer.Json, Is.EqualTo(control.Json).Using(JToken.EqualityComparer));
        // Neither does the platform's operator mix tenants up.
        var mixed = await _api.SendAsync("POST", Instances.UuidsInRequest(), $$$"""{"template": "{{{template}}}", "desired": {"name": "web"}}""".UuidsInRequest());
        Assert.That((mixed.Status, (string?)mixed.Json["type"]), Is.EqualTo((422, (string?)control.Json["type"])));
    }

    [TestCase("""{"template": 7, "desired": {"name": "web"}}""", "/template", "wrong-type")]
    [TestCase("""{"template": null, "desired": {"name": "web"}}""", "/template", "wrong-type")]
    [TestCase("""{"template": "small", "desired": {"name": "web"}}""", "/template", "bad-format")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web", "template": true}}""", "/desired/template", "contradiction")]
    [TestCase("""{"template": "@e1", "desired": {}}""", "/desired/name", "missing-field")]
    [TestCase("""{"template": "@e1"}""", "/desired", "missing-field")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web", "mem": 1}}""", "/desired/mem", "out-of-range")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web"}, "other": 1}""", "/other", "unknown-field")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web"}, "children": {"vdisk": {"$r": {"desired": {"index": 0, "size": 0}}}}}""",
        "/children/vdisk/$r/desired/size", "out-of-range")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web"}, "children": {"vdisk": {"$r": {"desired": {"index": 0, "colour": 0}}}}}""",
        "/children/vdisk/$r/desired/colour", "unknown-field")]
    [TestCase("""{"template": "@e1", "desired": {"name": "web"}, "children": {"vdisk": {"$r": {"desired": {"index": 1, "storage_pool": "@c1"}}}}}""",
        "/children/vdisk/$r/desired/size", "missing-field")]
    public async Task What_is_wrong_in_the_request_is_told_where_it_is(string body, string pointer, string problem)
    {
        var answer = await MakeAsync(body);
        Assert.That((answer.Status, (string?)answer.Json["pointer"], (string?)answer.Json["type"]),
            Is.EqualTo((422, pointer, $"urn:ponycloud:problem:{problem}")), answer.Json.ToString());
        Assert.That((await SendAsync("GET", $"/api/v1/tenant/@d1/volume")).Json, Is.Empty);
    }

    [TestCase("vdisk/@b2", "\"storage_pool\":\"@c2\"", "volume_storage_pool_quota", "vdisk 0 of the template: ")]
    [TestCase("vdisk/@b2", "\"size\":1001", "volume_size_quota", "vdisk 0 of the template: ")]
    public async Task What_is_wrong_in_a_template_is_told_with_its_row(string row, string change, string rule, string detail)
    {
        Assert.That((await ChangePublicAsync(row, change)).Status, Is.EqualTo(200));

        var answer = await MakeAsync("""{"template": "@e2", "desired": {"name": "web"}}""");

        Assert.That((answer.Status, (string?)answer.Json["pointer"], (string?)answer.Json["constraint"]), Is.EqualTo((422, "/template", rule)), answer.Json.ToString());
        Assert.That((string?)answer.Json["detail"], Does.StartWith(detail));
        Assert.That((await SendAsync("GET", "/api/v1/tenant/@d1/volume")).Json, Is.Empty, "nothing is left of it");
        Assert.That(Rows((await SendAsync("GET", Instances)).Json, "name"), Is.EquivalentTo(["template", "running"]));
    }

    [TestCase("vnic/@33", "\"switch\":\"@f2\"", "vnic_switch_tenant")]
    [TestCase("vdisk/@b2", "\"base_image\":\"@a2\"", "vdisk_base_image_tenant")]
    public async Task A_template_of_nobody_names_nothing_of_a_tenant(string row, string change, string rule) =>
        Assert.That((string?)(await ChangePublicAsync(row, change)).Json["constraint"], Is.EqualTo(rule));

    [Test]
    public async Task A_size_that_the_request_gives_is_to_blame_for_a_quota()
    {
        var answer = await MakeAsync("""
            {"template": "@e1", "desired": {"name": "web"}, "children": {"vdisk": {"$r": {"desired": {"index": 0, "size": 1001}}}}}
            """);
        Assert.That(((string?)answer.Json["constraint"], (string?)answer.Json["pointer"]),
            Is.EqualTo(("volume_size_quota", "/children/vdisk/$r/desired/size")), answer.Json.ToString());
    }

    [Test]
    public async Task A_rule_between_a_field_of_the_request_and_one_of_the_template_is_told_at_the_request()
    {
        await SendAsync("PATCH", $"{Instances}/@e1", """{"desired": {"rcpu": 2}}""");
        var answer = await MakeAsync("""{"template": "@e1", "desired": {"name": "web", "vcpu": 1}}""");
        Assert.That(((string?)answer.Json["constraint"], (string?)answer.Json["pointer"]),
            Is.EqualTo(("instance_rcpu_within_vcpu", "/desired/vcpu")), answer.Json.ToString());
    }

    [Test]
    public async Task Instances_are_counted_as_any_others()
    {
        foreach (var name in new[] { "one", "two" })
            Assert.That((await MakeAsync($$$"""{"template": "@e2", "desired": {"name": "{{{name}}}"}}""")).Status, Is.EqualTo(201));
        var answer = await MakeAsync("""{"template": "@e2", "desired": {"name": "three"}}""");
        Assert.That((answer.Status, (string?)answer.Json["constraint"]), Is.EqualTo((422, "instance_instances_quota")), answer.Json.ToString());
    }

    [TestCase("""[{"op": "add", "path": "/$a", "value": {"template": "@e1", "desired": {"name": "a"}}}, {"op": "add", "path": "/$b", "value": {"template": "@e2", "desired": {"name": "b"}}}]""")]
    [TestCase("""{"$a": {"template": "@e1", "desired": {"name": "a"}}, "$b": {"template": "@e2", "desired": {"name": "b"}}}""")]
    public async Task A_patch_makes_several(string patch)
    {
        var answer = await SendAsync("PATCH", Instances, patch);
        Assert.That(answer.Status, Is.EqualTo(200), answer.Json.ToString());
        Assert.That(((JObject)answer.Json["uuids"]!).Properties().Select(name => name.Name), Is.SupersetOf(["$a/volume/2", "$a/vnic/1", "$b/volume/0"]));
        Assert.That(Rows((await SendAsync("GET", "/api/v1/tenant/@d1/volume")).Json, "name"), Is.EquivalentTo(["a-0", "a-2", "b-0"]));
    }

    [TestCase("""[{"op": "add", "path": "/$a", "value": {"template": "@e3", "desired": {"name": "a"}}}]""", "/0/value/template")]
    [TestCase("""{"$a": {"template": "@e3", "desired": {"name": "a"}}}""", "/$a/template")]
    [TestCase("""[{"op": "add", "path": "/@e4/template", "value": "@e1"}]""", "/0/value")]
    public async Task What_is_wrong_in_a_patch_is_told_where_it_is(string patch, string pointer)
    {
        var answer = await SendAsync("PATCH", Instances, patch);
        Assert.That((answer.Status, (string?)answer.Json["pointer"]), Is.EqualTo((422, pointer)), answer.Json.ToString());
    }

    [Test]
    public async Task A_tenant_is_made_with_its_quota_and_an_instance_from_a_template()
    {
        var made = await _api.SendAsync("POST", "/api/v1/tenant", """
            {"desired": {"name": "fresh"}, "children": {
                "instance": {"$i": {"template": "@e2", "desired": {"name": "web"}}},
                "quota": {"$q": {"desired": {"type": "storage", "limit": 100, "storage_pool": "@c1"}}}}}
            """.UuidsInRequest());
        Assert.That(made.Status, Is.EqualTo(201), made.Json.ToString());
        var volume = (await _api.SendAsync("GET", $"{made.Location}/volume/{made.Json["uuids"]!["$i/volume/0"]}")).Json["desired"]!;
        Assert.That(Fields(volume, "name", "size"), Is.EqualTo("web-0 100"));
        Assert.That((string?)volume["tenant"], Is.EqualTo((string?)made.Json["uuids"]!["POST"]));
    }

    [Test]
    public async Task Only_instances_of_a_tenant_are_made_from_templates()
    {
        var answer = await _api.SendAsync("POST", "/api/v1/instance", """{"template": "@e2", "desired": {"name": "x", "mem": 64, "template": true}}""".UuidsInRequest());
        Assert.That((answer.Status, (string?)answer.Json["pointer"]), Is.EqualTo((422, "/template")), answer.Json.ToString());
    }

    private Task<(int Status, JObject Json, string? Tag, Uri? Location)> MakeAsync(string body) => SendAsync("POST", Instances, body);

    private Task<(int Status, JObject Json, string? Tag, Uri? Location)> SendAsync(
        string method, string path, string? body = null, params string[] headers) =>
        _api.SendAsync(
            method, path.UuidsInRequest(), body?.UuidsInRequest(),
            body?.StartsWith('[') == true ? "application/json-patch+json" : method == "PATCH" ? "application/merge-patch+json" : "application/json",
            [.. headers, "Authorization", $"Bearer {_token}"]);

    private Task<(int Status, JObject Json, string? Tag, Uri? Location)> ChangePublicAsync(string row, string change) => _api.SendAsync(
        "PATCH", $"/api/v1/instance/@e2/{row}".UuidsInRequest(), $$$"""{"desired":{{{{change}}}}}""".UuidsInRequest(), "application/merge-patch+json");

    private static IEnumerable<string> Rows(JObject rows, params string[] fields) =>
        rows.Properties().Select(row => Fields(row.Value["desired"]!, fields));

    // Uuids of the world as a test writes them.
    private static string Fields(JToken desired, params string[] fields) =>
        string.Join(' ', fields.Select(field => (string?)desired[field])).Replace("00000000-0000-4000-8000-0000000000", "@", StringComparison.Ordinal);
}
