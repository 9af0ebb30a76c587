using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Description;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Writing;

namespace PonyCloud.Sparkle.Tests.Api.Description;

public sealed partial class OpenApiTests : ApiFixture
{
    private static readonly ResourceTree Tree = new(EntityCatalog.Load());

    private static readonly string[] Methods = ["get", "post", "patch", "delete"];

    private static IEnumerable<TestCaseData> WritableMounts =>
        Tree.All.Where(node => node.IsWritable && node.Mount.Access != Access.Private)
            .Select(node => new TestCaseData(node).SetArgDisplayNames(node.Mount.Path));

    [Test]
    public async Task Every_path_and_method_of_the_tree_is_there_and_no_other_method()
    {
        var paths = (JObject)(await DocumentAsync())["paths"]!;
        foreach (var node in Tree.All.Where(node => node.Mount.Access != Access.Private))
        {
            var template = PathTemplate.Of(node);
            Assert.That(MethodsOf(paths, template.Collection), Is.EqualTo(node.IsWritable ? ["get", "post", "patch"] : (string[])["get"]), node.Mount.Path);
            Assert.That(MethodsOf(paths, template.Row), Is.EqualTo(node.IsWritable ? ["get", "patch", "delete"] : (string[])["get"]), node.Mount.Path);
        }
        static IEnumerable<string> MethodsOf(JObject paths, string path) =>
            ((JObject)paths["/api/v1" + path]!).Properties().Select(member => member.Name).Where(Methods.Contains);
    }

    [Test]
    public async Task Every_reference_leads_somewhere_and_everything_is_referred_to()
    {
        var document = await DocumentAsync();
        var used = document.Descendants().OfType<JProperty>().Where(member => member.Name == "$ref").Select(member => (string)member.Value!).ToHashSet();
        Assert.That(used, Is.Not.Empty);
        foreach (var reference in used)
            Assert.That(document.SelectToken(string.Concat(reference[2..].Split('/').Select(part => $"['{part}']"))), Is.Not.Null, reference);
        var schemas = ((JObject)document["components"]!["schemas"]!).Properties().Select(schema => $"#/components/schemas/{schema.Name}");
        Assert.That(schemas, Is.SubsetOf(used));
    }

    [Test]
    public async Task Operations_have_names_of_their_own_and_declare_what_is_in_their_path()
    {
        var document = await DocumentAsync();
        var operations = ((JObject)document["paths"]!).Properties()
            .SelectMany(path => ((JObject)path.Value).Properties().Where(member => Methods.Contains(member.Name))
                .Select(member => (Path: path.Name, Item: (JObject)path.Value, Operation: (JObject)member.Value))).ToList();
        Assert.That(operations.Select(one => one.Operation.Value<string>("operationId")), Is.Unique.And.All.Match("^[a-z0-9_]+$"));
        foreach (var (path, item, operation) in operations)
        {
            var declared = (item["parameters"] ?? new JArray()).Select(parameter => parameter.Value<string>("name")!).ToList();
            Assert.That(declared, Is.EqualTo(InPath().Matches(path).Select(match => match.Groups[1].Value)), path);
            Assert.That(item["parameters"]?.All(parameter => parameter.Value<bool>("required")) ?? true, path);
            var query = (operation["parameters"] ?? new JArray()).Select(parameter => parameter.ToString()).ToList();
            Assert.That(query, Is.Unique, path);
            Assert.That(operation["responses"]!.Children<JProperty>().Select(answer => answer.Name),
                Has.Some.Matches("^(101|[23]\\d\\d)$").And.Some.EqualTo("default"), path);
            Assert.That(operation["responses"]!.All(answer => answer.First!["description"] is not null || answer.First["$ref"] is not null), path);
        }
    }

    [Test]
    public async Task A_column_has_its_limits()
    {
        var columns = (await DocumentAsync())["components"]!["schemas"]!["instance.write"]!["properties"]!;
        Assert.That(columns["vcpu"], Is.EqualTo(JObject.Parse(
            """{"type":"integer","format":"int32","minimum":1,"maximum":512,"description":"Virtual processors.","default":1}""")).Using(JToken.EqualityComparer));
        Assert.That(columns["state"]!["enum"]!.Values<string>(), Is.EqualTo(["running", "paused", "stopped"]));
        Assert.That(columns["cpu_profile"]!["type"]!.Values<string>(), Is.EqualTo(["string", "null"]));
        Assert.That(columns["cpu_profile"]!.Value<string>("x-references"), Is.EqualTo("cpu_profile"));
        Assert.That(columns["name"]!.Value<string>("pattern"), Does.StartWith("^(?:").And.EndWith(")$"));
    }

    [Test]
    public async Task Secrets_are_written_and_never_read()
    {
        var schemas = (await DocumentAsync())["components"]!["schemas"]!;
        Assert.That(schemas["user.desired"]!["properties"]!["data"], Is.Null);
        Assert.That(schemas["user.write"]!["properties"]!["data"]!.Value<bool>("writeOnly"), Is.True);
    }

    [TestCaseSource(nameof(WritableMounts))]
    public void An_example_is_what_the_code_that_reads_requests_takes(ResourceNode node)
    {
        var example = OpenApiWriter.Example(node);
        Assert.That(example, Is.Not.Null, "no example");
        var alicorn = new Caller(Alicorn, true, null, null);
        var scope = new WriteScope(alicorn, Database.Snapshot!);
        var drafts = new List<Draft>();
        var parent = node.Parent is null ? null : Guid.NewGuid().ToString();
        new DraftReader(Guid.NewGuid, new TemplateReader(Database.Catalog, 0)).Read(node, StrictJson.Parse(Encoding.UTF8.GetBytes(example!.ToJsonString())), "", null, parent, (null, null), drafts, scope);
        Assert.That(drafts, Has.Count.EqualTo(1));
        var reader = new RecordReader(Service<AccessPolicy>(), new ValueReader(), Service<PasswordReader>());
        reader.ReadNew(drafts[0], scope);
        // The rows that an example refers to are not there, and a parent may be named by something else than a uuid.
        Assert.That(
            scope.Errors.Where(error => error.Kind != ProblemKind.UnknownReference && error.Pointer != $"/desired/{node.Mount.ParentColumn}"),
            Is.Empty, example.ToJsonString());
    }

    [Test]
    public async Task An_example_makes_a_row()
    {
        var document = await DocumentAsync();
        foreach (var path in new[] { "/api/v1/tenant", "/api/v1/user", "/api/v1/cpu-profile", "/api/v1/config", $"/api/v1/tenant/{TenantA}/instance" })
        {
            var template = path.Replace(TenantA.ToString(), "{tenant}", StringComparison.Ordinal);
            var example = document["paths"]![template]!["post"]!["requestBody"]!["content"]!["application/json"]!["example"]!;
            var made = await PostAsync(path, Token(Alicorn), example.ToString());
            Assert.That(made.Status, Is.EqualTo(HttpStatusCode.Created), $"{path} {example}: {made}");
        }
    }

    [TestCase("^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$")]
    [TestCase(@"^[^@\s/]{1,64}@[^@\s/]{1,255}$")]
    [TestCase(@"^[0-9a-zA-Z.:+=^!/*?&<>()\[\]{}@%$#-]{40}$")]
    [TestCase("^[0-9a-f]{64}$")]
    [TestCase("^(a|b){3}-\\d+(\\.\\w)?$")]
    [TestCase("^(?:x|y)[_-]$")]
    public void A_sample_matches_its_pattern(string pattern) => Assert.That(PatternSample.Of(pattern), Does.Match(pattern));

    [TestCase("(?=a)b")]
    [TestCase(@"\bword\b")]
    [TestCase("[a")]
    [TestCase("(a")]
    public void A_pattern_that_is_not_understood_has_no_sample(string pattern) => Assert.That(PatternSample.Of(pattern), Is.Null);

    private async Task<JObject> DocumentAsync()
    {
        var answer = await GetAsync("/openapi/v1.json");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(answer.Headers.ETag, Is.Not.Null);
        Assert.That(answer.Json.Value<string>("openapi"), Is.EqualTo("3.1.0"));
        return answer.Json;
    }

    [GeneratedRegex("\\{([a-z_]+)\\}")]
    private static partial Regex InPath();
}
