using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class WritingTests : ApiFixture
{
    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    protected override ApiOptions Options(ApiOptions options) => options with { BodyLimit = 16 * 1024 };

    [Test]
    public async Task A_new_row_can_be_read_at_once()
    {
        var answer = await PostAsync(Instances, Token(Admin, TenantA), """{"desired":{"name":"new","mem":128,"state":"running"}}""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Created), answer.ToString());
        var uuid = answer.Json["uuids"]!["POST"]!.ToString();
        Assert.That(answer.Headers.Location!.ToString(), Is.EqualTo($"{Instances}/{uuid}"));
        var row = await GetAsync(answer.Headers.Location.ToString(), Token(Admin, TenantA));
        Assert.That(row.Json["desired"]!["tenant"]!.ToString(), Is.EqualTo(TenantA.ToString()));
        Assert.That(row.Json["desired"]!["state"]!.ToString(), Is.EqualTo("running"));
        Assert.That(row.Json["desired"]!["stop_timeout"]!.ToString(), Is.EqualTo("60"));
    }

    [Test]
    public async Task A_template_of_nobody_is_read_by_everybody_and_a_tenants_own_only_there()
    {
        var made = await PostAsync("/api/v1/instance", Token(Alicorn), """{"desired":{"name":"debian","mem":128,"template":true}}""");
        Assert.That(made.Status, Is.EqualTo(HttpStatusCode.Created), made.ToString());
        var listed = await GetAsync("/api/v1/instance", Token(Operator, TenantA));
        Assert.That(listed.Json.Properties().Select(row => row.Name), Is.EqualTo([made.Json["uuids"]!["POST"]!.ToString()]));
        Assert.That((await GetAsync($"/api/v1/instance/{InstanceA}", Token(Operator, TenantA))).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await PostAsync("/api/v1/instance", Token(Owner, TenantA), """{"desired":{"name":"mine","mem":128,"template":true}}""")).Status, Is.EqualTo(HttpStatusCode.Forbidden));
    }

    [Test]
    public async Task What_is_left_of_a_row_that_lost_its_owner_is_not_everybodys()
    {
        Database.Report(new InstanceCurrent { Uuid = Guid.NewGuid(), Status = InstanceStatus.Running });
        Assert.That((await GetAsync("/api/v1/instance", Token(Owner, TenantA))).Json.Count, Is.Zero);
    }

    [Test]
    public async Task A_tree_is_made_in_one_transaction()
    {
        var answer = await PostAsync("/api/v1/tenant", Token(Alicorn), $$$"""
            {"desired":{"uuid":"$t","name":"c","approved":true},"children":{
              "member":{"$m":{"desired":{"user":"{{{Owner}}}","role":"owner","tenant":"$t"} } },
              "instance":{"$i":{"desired":{"name":"x","mem":64,"cpu_profile":"{{{Profile}}}"} },"$j":{"desired":{"name":"y","mem":64} } } } }
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Created), answer.ToString());
        Assert.That(answer.Json["uuids"]!.Select(member => ((Newtonsoft.Json.Linq.JProperty)member).Name), Is.EqualTo((string[])["$i", "$j", "$m", "$t"]));
        Assert.That(Database.Commits, Is.EqualTo(1));
        var tenant = Guid.Parse(answer.Json["uuids"]!["$t"]!.ToString());
        Assert.That((await GetAsync($"/api/v1/tenant/{tenant}/instance", Token(Owner, tenant))).Json.Count, Is.EqualTo(2));
    }

    [Test]
    public async Task One_wrong_row_of_a_tree_makes_none()
    {
        var answer = await PostAsync("/api/v1/tenant", Token(Alicorn), $$$"""
            {"desired":{"name":"c"},"children":{"instance":{"$i":{"desired":{"name":"x","mem":64} },"$j":{"desired":{"name":"x","mem":64} } } } }
            """);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Conflict), answer.ToString());
        Assert.That(answer.Pointer, Does.StartWith("/children/instance/$j/desired"));
        Assert.That(answer.Text, Does.Not.Contain("secret"));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task Clients_give_the_keys_that_are_theirs_to_give()
    {
        var host = Guid.NewGuid().ToString();
        var made = await PostAsync("/api/v1/host", Token(Alicorn), $$$"""{"desired":{"uuid":"{{{host.ToUpperInvariant()}}}","name":"h"}}""");
        Assert.That(made.Headers.Location!.ToString(), Is.EqualTo($"/api/v1/host/{host}"));
        var again = await PostAsync("/api/v1/host", Token(Alicorn), $$$"""{"desired":{"uuid":"{{{host}}}","name":"h"}}""");
        Assert.That(again.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(again.Pointer, Is.EqualTo("/desired/uuid"));
        var user = await PostAsync("/api/v1/user", Token(Alicorn), """{"desired":{"email":"new@a.example","data":{"password":"well long enough"}}}""");
        Assert.That(user.Headers.Location!.ToString(), Is.EqualTo("/api/v1/user/new%40a.example"));
        Assert.That((await LoginAsync("new@a.example", "well long enough")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(Log.Lines, Has.None.Contains("well long enough"));
        var config = await PostAsync("/api/v1/config", Token(Alicorn), """{"desired":{"key":"ratio","value":{"cpu":[1.50,null]}}}""");
        Assert.That(config.Status, Is.EqualTo(HttpStatusCode.Created), config.ToString());
        Assert.That((await GetAsync("/api/v1/config/ratio", Token(Alicorn))).Text, Does.Contain("""{"cpu":[1.50,null]}"""));
    }

    [TestCase(@"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", null, null)]
    [TestCase("rq:rM", "bad-format", "/desired/agent_key")]
    [TestCase(@"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf_", "bad-format", "/desired/agent_key")]
    [TestCase(7, "wrong-type", "/desired/agent_key")]
    public async Task The_key_of_a_hosts_agent_is_checked_when_it_is_declared_and_when_it_is_changed(object key, string? type, string? pointer)
    {
        var value = Newtonsoft.Json.JsonConvert.SerializeObject(key);
        var host = Guid.NewGuid();
        var made = await PostAsync("/api/v1/host", Token(Alicorn), $$$"""{"desired":{"uuid":"{{{host}}}","name":"h","agent_key":{{{value}}}}}""");
        Assert.That((made.ProblemType, made.Pointer), Is.EqualTo((type is null ? null : $"urn:ponycloud:problem:{type}", pointer)), made.ToString());

        var path = $"/api/v1/host/{(type is null ? host : Host)}";
        var changed = await PatchAsync(path, Token(Alicorn), $$$"""[{"op":"add","path":"/desired/agent_key","value":{{{value}}}}]""");
        Assert.That((int)changed.Status, Is.EqualTo(type is null ? 200 : 422), changed.ToString());
        Assert.That(changed.Pointer, type is null ? Is.Null : Is.EqualTo("/0/value"));
    }

    // The tenant in the path is TenantA; %B is TenantB, %P the cpu profile.
    [TestCase("""{"desired":{"name":"x","mem":64,"colour":"pink"}}""", "unknown-field", "/desired/colour")]
    [TestCase("""{"desired":{"name":"x","mem":64,"ns":["192.0.2.1","192.0.2.256"]}}""", "bad-format", "/desired/ns/1")]
    [TestCase("""{"desired":{"name":"x","mem":64,"ssh_keys":["a\nb"]}}""", "bad-format", "/desired/ssh_keys/0")]
    [TestCase("""{"desired":{"name":"x","mem":64,"ns":["::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1","::1"]}}""", "out-of-range", "/desired/ns")]
    [TestCase("""{"desired":{"name":"x","mem":64},"current":{}}""", "unknown-field", "/current")]
    [TestCase("""{"desired":{"name":"x"}}""", "missing-field", "/desired/mem")]
    [TestCase("""{}""", "missing-field", "/desired")]
    [TestCase("""{"desired":[]}""", "wrong-type", "/desired")]
    [TestCase("""[]""", "wrong-type", "")]
    [TestCase("""{"desired":{"name":7,"mem":64}}""", "wrong-type", "/desired/name")]
    [TestCase("""{"desired":{"name":"x","mem":"64"}}""", "wrong-type", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":64.5}}""", "wrong-type", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":null}}""", "null-field", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":64,"state":"frozen"}}""", "not-in-list", "/desired/state")]
    [TestCase("""{"desired":{"name":"x","mem":64,"state":1}}""", "wrong-type", "/desired/state")]
    [TestCase("""{"desired":{"name":"x","mem":15}}""", "out-of-range", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":1e300}}""", "out-of-range", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":99999999999999999999}}""", "out-of-range", "/desired/mem")]
    [TestCase("""{"desired":{"name":"x","mem":64,"vcpu":3000000000}}""", "out-of-range", "/desired/vcpu")]
    [TestCase("""{"desired":{"name":"-x","mem":64}}""", "bad-format", "/desired/name")]
    [TestCase("""{"desired":{"name":"x\n","mem":64}}""", "bad-format", "/desired/name")]
    [TestCase("""{"desired":{"name":"x","mem":64,"cpu_profile":"zzz"}}""", "bad-format", "/desired/cpu_profile")]
    [TestCase("""{"desired":{"name":"x","mem":64,"cpu_profile":"eeeeeeee-0000-4000-8000-000000000001"}}""", "unknown-reference", "/desired/cpu_profile")]
    [TestCase("""{"desired":{"name":"x","mem":64,"tenant":"%B"}}""", "contradiction", "/desired/tenant")]
    [TestCase("""{"desired":{"name":"x","mem":64},"children":{"pony":{}}}""", "unknown-field", "/children/pony")]
    [TestCase("""{"desired":{"name":"x","mem":64},"children":{"event":{}}}""", "unknown-field", "/children/event")]
    [TestCase("""{"desired":{"name":"x","mem":64},"children":[]}""", "wrong-type", "/children")]
    public async Task What_is_wrong_is_named_and_nothing_is_written(string body, string type, string pointer)
    {
        var answer = await PostAsync(Instances, Token(Owner, TenantA), body.Replace("%B", TenantB.ToString(), StringComparison.Ordinal));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"));
        Assert.That(answer.Pointer, Is.EqualTo(pointer));
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task All_that_is_wrong_is_named_at_once()
    {
        var answer = await PostAsync(Instances, Token(Owner, TenantA), """{"desired":{"name":7,"state":"frozen","a/b~c":1}}""");
        Assert.That(
            answer.Json["errors"]!.Select(error => error["pointer"]!.ToString()),
            Is.EquivalentTo((string[])["/desired/name", "/desired/state", "/desired/mem", "/desired/a~1b~0c"]));
        Assert.That(answer.Text, Does.Contain("running, paused, stopped"));
    }

    [TestCase("{", "malformed-json")]
    [TestCase("{\"desired\":{\"mem\":1,\"mem\":2}}", "malformed-json")]
    [TestCase("{\"desired\":{}} tail", "malformed-json")]
    [TestCase("", "malformed-json")]
    public async Task What_is_no_json_is_a_bad_request(string body, string type)
    {
        var answer = await PostAsync(Instances, Token(Owner, TenantA), body);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.BadRequest), answer.ToString());
        Assert.That(answer.ProblemType, Is.EqualTo($"urn:ponycloud:problem:{type}"));
    }

    // The server hangs up on what it does not read, and whoever is still writing then may never see the answer. So one client
    // asks before it writes, and the other writes a byte more than is read.
    [TestCase(true, 64 * 1024)]
    [TestCase(false, (16 * 1024) + 1)]
    public async Task Too_large_a_body_is_refused_whether_its_length_is_told_or_not(bool isTold, int length)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Instances);
        request.Headers.Authorization = new("Bearer", Token(Owner, TenantA));
        request.Headers.ExpectContinue = isTold;
        request.Headers.TransferEncodingChunked = !isTold;
        request.Content = new ByteArrayContent(new byte[length]);
        request.Content.Headers.ContentType = new("application/json");
        using var response = await Http.SendAsync(request);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.RequestEntityTooLarge));
    }

    [Test]
    public async Task Only_json_is_taken()
    {
        var post = await SendAsync(HttpMethod.Post, Instances, Token(Owner, TenantA), "{}", "text/plain");
        Assert.That(post.Status, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
        var patch = await SendAsync(HttpMethod.Patch, Instances, Token(Owner, TenantA), "[]", "application/json");
        Assert.That(patch.Status, Is.EqualTo(HttpStatusCode.UnsupportedMediaType));
        Assert.That(patch.Headers.GetValues("Accept-Patch").Single(), Is.EqualTo("application/json-patch+json, application/merge-patch+json"));
    }

    [Test]
    public async Task A_row_goes_once()
    {
        var token = Token(Owner, TenantA);
        Assert.That((await DeleteAsync($"{Instances}/{InstanceA}", token)).Status, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await GetAsync($"{Instances}/{InstanceA}", token)).Status, Is.EqualTo(HttpStatusCode.NotFound));
        Assert.That((await DeleteAsync($"{Instances}/{InstanceA}", token)).Status, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_row_that_others_refer_to_stays()
    {
        Database.Put(new InstanceDesired { Uuid = InstanceA, Tenant = TenantA, Name = "web", Mem = 64, CpuProfile = Profile });
        var answer = await DeleteAsync($"/api/v1/cpu-profile/{Profile}", Token(Alicorn));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(answer.ProblemType, Is.EqualTo("urn:ponycloud:problem:still-referenced"));
        Assert.That(answer.Text, Does.Not.Contain("secret"));
    }

    [TestCase("PUT", "/api/v1/host/cccccccc-0000-4000-8000-000000000001", "GET, HEAD, OPTIONS, PATCH, DELETE")]
    [TestCase("POST", "/api/v1/host/cccccccc-0000-4000-8000-000000000001", "GET, HEAD, OPTIONS, PATCH, DELETE")]
    [TestCase("DELETE", "/api/v1/host", "GET, HEAD, OPTIONS, POST, PATCH")]
    [TestCase("POST", "/api/v1/event", "GET, HEAD, OPTIONS")]
    [TestCase("DELETE", "/api/v1/host/cccccccc-0000-4000-8000-000000000001/instance/aaaaaaaa-0000-4000-8000-000000000002", "GET, HEAD, OPTIONS")]
    public async Task A_method_that_is_not_there_says_which_are(string method, string path, string allow)
    {
        var answer = await SendAsync(new HttpMethod(method), path, Token(Alicorn), "{}");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
        Assert.That(string.Join(", ", answer.ContentHeaders.Allow), Is.EqualTo(allow));
        var options = await SendAsync(HttpMethod.Options, path, Token(Alicorn));
        Assert.That(string.Join(", ", options.ContentHeaders.Allow), Is.EqualTo(allow));
    }

    [Test]
    public async Task Without_the_database_nothing_is_written()
    {
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch, "gone");
        var answer = await DeleteAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA));
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        Assert.That(Database.Commits, Is.Zero);
    }

    [Test]
    public async Task Failures_of_the_database_are_told_apart_and_never_quoted()
    {
        var failures = new (Exception Failure, HttpStatusCode Status)[]
        {
            (new DatabaseUnavailableException("secret text"), HttpStatusCode.ServiceUnavailable),
            (new UnconfirmedCommitException("secret text"), HttpStatusCode.GatewayTimeout),
            (new WriteRefusedException(Refusal.Rule, 0, "instance_rule", ["mem"], "Such is the rule.", new IOException("secret text")), HttpStatusCode.UnprocessableEntity),
            (new WriteRefusedException(Refusal.MissingReference, null, "some_fkey", [], "There is none.", new IOException("secret text")), HttpStatusCode.UnprocessableEntity),
            (new InvalidOperationException("secret text"), HttpStatusCode.InternalServerError),
        };
        foreach (var (failure, status) in failures)
        {
            Database.FailNext(failure);
            var answer = await PostAsync(Instances, Token(Owner, TenantA), """{"desired":{"name":"x","mem":64}}""");
            Assert.That(answer.Status, Is.EqualTo(status), answer.ToString());
            Assert.That(answer.Text, Does.Not.Contain("secret").And.Not.Contain("Exception"));
        }
        Assert.That(Log.Lines, Has.Some.StartsWith("Error").And.Some.Contains("secret text"));
    }

    [Test]
    public async Task What_the_schema_refuses_is_said_in_its_words_and_at_the_field()
    {
        Database.FailNext(new WriteRefusedException(Refusal.Rule, 0, "instance_rule", ["mem"], "Such is the rule.", new IOException()));
        var answer = await PostAsync(Instances, Token(Owner, TenantA), """{"desired":{"name":"x","mem":64}}""");
        Assert.That((string?)answer.Json["detail"], Is.EqualTo("Such is the rule."));
        Assert.That((string?)answer.Json["constraint"], Is.EqualTo("instance_rule"));
        Assert.That(answer.Pointer, Is.EqualTo("/desired/mem"));
    }

    [Test]
    public async Task A_change_leaves_a_line_in_the_log_with_who_and_what()
    {
        await DeleteAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA));
        Assert.That(Log.Lines, Has.Some.Contains("owner%40a.example").And.Some.Contains($"delete instance {InstanceA}"));
        Database.FailNext(new UnconfirmedCommitException("lost"));
        await PostAsync("/api/v1/config", Token(Alicorn), """{"desired":{"key":"a","value":1}}""");
        Assert.That(Log.Lines, Has.Some.Contains("insert config a; outcome not known"));
    }

    [Test]
    public async Task Foreign_rows_are_as_unknown_as_missing_ones()
    {
        var token = Token(Owner, TenantA);
        foreach (var path in new[] { $"/api/v1/tenant/{TenantB}", $"/api/v1/tenant/{TenantB}/instance", $"/api/v1/tenant/{TenantB}/instance/{InstanceB}", $"{Instances}/{InstanceB}" })
        {
            var missing = path.Replace(TenantB.ToString(), Guid.NewGuid().ToString(), StringComparison.Ordinal)
                .Replace(InstanceB.ToString(), Guid.NewGuid().ToString(), StringComparison.Ordinal);
            Assert.That((await GetAsync(path, token)).ToString(), Is.EqualTo((await GetAsync(missing, token)).ToString()), path);
            Assert.That((await DeleteAsync(path, token)).ToString(), Is.EqualTo((await DeleteAsync(missing, token)).ToString()), path);
        }
        var chosen = await PostAsync(Instances, token, $$$"""{"desired":{"uuid":"{{{InstanceB}}}","name":"x","mem":64}}""");
        var free = await PostAsync(Instances, token, $$$"""{"desired":{"uuid":"{{{Guid.NewGuid()}}}","name":"x","mem":64}}""");
        Assert.That(chosen.Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(chosen.Text, Is.EqualTo(free.Text));
        Assert.That(Database.Snapshot![Database.Catalog["instance"]].Find(RowKey.Of(InstanceB)), Is.Not.Null);
    }

    [Test]
    public async Task Lists_hold_only_what_is_ones_own()
    {
        Assert.That((await GetAsync("/api/v1/tenant", Token(Owner))).Json.Properties().Select(row => row.Name), Is.EqualTo((string[])[TenantA.ToString()]));
        Assert.That((await GetAsync("/api/v1/tenant", Token(Stranger, TenantB))).Json.Properties().Select(row => row.Name), Is.EqualTo((string[])[TenantB.ToString()]));
        Assert.That((await GetAsync("/api/v1/tenant", Token(Alicorn))).Json.Count, Is.EqualTo(2));
        Assert.That((await GetAsync("/api/v1/user", Token(Owner))).Json.Properties().Select(row => row.Name), Is.EqualTo((string[])[Owner]));
        Assert.That((await GetAsync("/api/v1/cpu-profile", Token(Owner))).Json.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Only_operators_of_the_platform_set_what_is_theirs()
    {
        var patch = """[{"op":"replace","path":"/desired/name","value":"aa"},{"op":"replace","path":"/desired/approved","value":false}]""";
        var answer = await PatchAsync($"/api/v1/tenant/{TenantA}", Token(Owner, TenantA), patch);
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Forbidden), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/1/value"));
        Assert.That((await PatchAsync($"/api/v1/tenant/{TenantA}", Token(Alicorn), patch)).Status, Is.EqualTo(HttpStatusCode.OK));
        var self = await PatchAsync($"/api/v1/user/{Owner}", Token(Owner), """[{"op":"replace","path":"/desired/alicorn","value":true}]""");
        Assert.That(self.Status, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That((await PatchAsync($"/api/v1/tenant/{TenantA}", Token(Owner, TenantA), patch[..(patch.IndexOf("},{", StringComparison.Ordinal) + 1)] + "]")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_password_has_a_least_length_and_a_form()
    {
        foreach (var (data, pointer) in new[] { ("{\"password\":\"short\"}", "/desired/data/password"), ("\"long enough\"", "/desired/data"), ("{\"hash\":\"x\"}", "/desired/data") })
        {
            var answer = await PostAsync("/api/v1/user", Token(Alicorn), $$$"""{"desired":{"email":"x@y","data":{{{data}}}}}""");
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.ToString());
            Assert.That(answer.Pointer, Is.EqualTo(pointer));
        }
    }

    [Test]
    public async Task A_key_that_no_row_can_have_is_refused()
    {
        var answer = await PostAsync("/api/v1/user", Token(Alicorn), """{"desired":{"email":"a\u0001@y"}}""");
        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.UnprocessableEntity), answer.ToString());
        Assert.That(answer.Pointer, Is.EqualTo("/desired/email"));
    }
}
