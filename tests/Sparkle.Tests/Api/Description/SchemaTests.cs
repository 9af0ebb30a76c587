using System.Net;
using System.Net.Http.Headers;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Api.Description;

public sealed class SchemaTests : ApiFixture
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    [Test]
    public async Task The_schema_has_every_entity_and_column_and_says_which_are_only_written()
    {
        var entities = (JObject)(await GetAsync("/api/v1/schema")).Json["entities"]!;
        Assert.That(entities.Properties().Select(entity => entity.Name), Is.EqualTo(Catalog.All.Select(entity => entity.Name)));
        foreach (var entity in Catalog.All)
        {
            foreach (var (name, part) in new[] { ("desired", entity.Desired), ("current", entity.Current) })
            {
                var columns = entities[entity.Name]![name]?["columns"]?.Select(
                    column => (column.Value<string>("name"), column.Value<bool?>("write_only") ?? false));
                Assert.That(
                    columns, Is.EqualTo(part?.Columns.Select(column => (column.Name, column.IsSecret))), $"{entity.Name} {name}");
            }
        }
    }

    [Test]
    public async Task A_column_says_what_a_value_of_it_must_be()
    {
        var entities = (JObject)(await GetAsync("/api/v1/schema")).Json["entities"]!;
        var instance = (JArray)entities["instance"]!["desired"]!["columns"]!;
        Assert.That(Column("vcpu"), Is.EqualTo(JObject.Parse(
            """{"name":"vcpu","kind":"integer","description":"Virtual processors.","default":1,"minimum":1,"maximum":512}""")).Using(JToken.EqualityComparer));
        Assert.That(Column("state")["values"]!.Values<string>(), Is.EqualTo(["running", "paused", "stopped"]));
        Assert.That(Column("state").Value<string>("default"), Is.EqualTo("stopped"));
        Assert.That(Column("cpu_profile").Value<string>("references"), Is.EqualTo("cpu_profile"));
        Assert.That(Column("cpu_profile").Value<bool>("nullable"), Is.True);
        Assert.That(Column("name").Value<bool>("required"), Is.True);
        Assert.That(Column("tenant").Value<bool>("immutable"), Is.True);
        Assert.That((Column("ns").Value<string>("kind"), Column("ns").Value<int?>("max_items")), Is.EqualTo(("address-list", 16)));
        Assert.That(Column("name")["max_items"], Is.Null);
        var data = entities["user"]!["desired"]!["columns"]!.Single(column => column.Value<string>("name") == "data");
        Assert.That(data.Value<string>("kind"), Is.EqualTo("password"));
        Assert.That(data.Value<bool>("write_only"), Is.True);

        JObject Column(string name) => (JObject)instance.Single(column => column.Value<string>("name") == name);
    }

    [TestCase("address", "desired", "ip", "address")]
    [TestCase("network", "desired", "range", "network")]
    [TestCase("vnic", "desired", "macaddr", "hardware-address")]
    [TestCase("host_nic", "current", "nic", "hardware-address")]
    public async Task A_text_with_a_form_of_its_own_says_which(string entity, string part, string column, string kind)
    {
        var columns = (await GetAsync("/api/v1/schema")).Json["entities"]![entity]![part]!["columns"]!;
        Assert.That(columns.Single(found => found.Value<string>("name") == column).Value<string>("kind"), Is.EqualTo(kind));
    }

    [Test]
    public async Task Every_mount_has_a_template_whose_parameters_are_declared()
    {
        var mounts = (JArray)(await GetAsync("/api/v1/schema")).Json["mounts"]!;
        var visible = Catalog.Mounts.Where(found => found.Mount.Access != Access.Private).Select(found => found.Mount.Path);
        Assert.That(mounts.Select(mount => mount.Value<string>("path")), Is.EquivalentTo(visible));
        foreach (var mount in mounts)
        {
            var names = mount["parameters"]!.Select(parameter => parameter.Value<string>("name")).ToList();
            Assert.That(names, Is.Unique, mount.ToString());
            var segments = mount.Value<string>("path")!.Trim('/').Split('/');
            Assert.That(mount.Value<string>("template"), Is.EqualTo(string.Concat(segments.Zip(names, (segment, name) => $"/{segment}/{{{name}}}"))));
        }
        var instance = mounts.Single(mount => mount.Value<string>("path") == "/tenant/instance");
        Assert.That(instance.Value<string>("access"), Is.EqualTo("tenant-user"));
        Assert.That(instance.Value<bool>("writable"), Is.True);
    }

    [Test]
    public async Task Every_filter_and_join_that_is_declared_is_taken_and_no_other_column_is()
    {
        var mounts = (JArray)(await GetAsync("/api/v1/schema")).Json["mounts"]!;
        foreach (var mount in mounts.Where(mount => mount["parameters"]!.Count() == 1))
        {
            var path = $"/api/v1{mount.Value<string>("path")}";
            var entity = Catalog[mount.Value<string>("entity")!];
            var filters = mount["filters"]!.Values<string>().ToList();
            var joins = mount["joins"]!.Values<string>().ToList();
            Assert.That(filters, Does.Contain(mount.Value<string>("key_column")), path);
            foreach (var column in (entity.Desired?.Columns ?? []).Concat(entity.Current?.Columns ?? []).Select(column => column.Name).Distinct())
            {
                var filtered = await GetAsync($"{path}?{column}=x", Token(Alicorn));
                Assert.That(
                    filtered.Status == HttpStatusCode.OK || filtered.ProblemType == "urn:ponycloud:problem:bad-parameter",
                    Is.EqualTo(filters.Contains(column)), $"{path} {column}");
                var joined = await GetAsync($"{path}?join={column}", Token(Alicorn));
                Assert.That(joined.Status == HttpStatusCode.OK, Is.EqualTo(joins.Contains(column)), $"{path} {column}");
            }
        }
        var instances = mounts.Single(mount => mount.Value<string>("path") == "/tenant/instance");
        Assert.That(instances["filters"]!.Values<string>(), Is.SupersetOf(["uuid", "tenant", "state", "status", "cpu_profile"]));
        Assert.That(instances["joins"]!.Values<string>(), Is.SupersetOf(["tenant", "cpu_profile"]));
    }

    [Test]
    public async Task Who_has_the_schema_is_told_so()
    {
        var first = await GetAsync("/api/v1/schema");
        Assert.That(first.Headers.ETag!.IsWeak, Is.False);
        Assert.That(first.Headers.CacheControl!.NoStore, Is.False);
        using var again = new HttpRequestMessage(HttpMethod.Get, "/api/v1/schema");
        again.Headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\""));
        again.Headers.IfNoneMatch.Add(first.Headers.ETag);
        using var answer = await Http.SendAsync(again);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotModified));
        Assert.That(await answer.Content.ReadAsByteArrayAsync(), Is.Empty);
        Assert.That(answer.Headers.ETag, Is.EqualTo(first.Headers.ETag));
    }

    [Test]
    public async Task The_schema_is_there_before_the_database_is_and_cannot_be_written()
    {
        Database.IsLoaded = false;
        Assert.That((await GetAsync("/api/v1/schema")).Status, Is.EqualTo(HttpStatusCode.OK));
        var head = await SendAsync(HttpMethod.Head, "/api/v1/schema");
        Assert.That(head.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(head.ContentHeaders.ContentLength, Is.GreaterThan(1000));
        Assert.That((await PostAsync("/api/v1/schema", null, "{}")).Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
    }
}
