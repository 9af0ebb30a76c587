using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

/// <summary>What people and programs get to see.</summary>
internal sealed class GetTests : PonyFixture
{
    [Test]
    public async Task A_member_of_one_tenant_need_not_name_it()
    {
        LoggedIn(ApiServer.Owner);

        var outcome = await DoAsync("get", "instance", "--fields", "name,state,mem,status,uuid");

        Assert.That(outcome.Output, Is.EqualTo("""
            NAME  STATE    MEM   STATUS    UUID
            db    stopped  2048  unplaced  aaaaaaaa-0000-4000-8000-000000000003
            web   running  512   running   aaaaaaaa-0000-4000-8000-000000000002

            """));
    }

    [Test]
    public async Task Columns_and_fields_are_those_of_the_schema()
    {
        LoggedIn(ApiServer.Owner);

        var table = await DoAsync("get", "instance");
        var row = await DoAsync("get", "instance", "web");

        Assert.That(table.Output, Does.Match(@"^NAME +STATE .*MEM .*STATUS +UUID\ndb +stopped .*unplaced +aaaa.*\nweb +running "));
        Assert.That(row.Output, Does.StartWith("instance web\nuuid ").And.Match(@"\nstate +running\n").And.Match(@"\nstatus +running\n"));
    }

    [Test]
    public async Task Json_is_what_the_api_answers()
    {
        LoggedIn(ApiServer.Owner);
        var path = $"/api/v1/tenant/{ApiServer.TenantA}/instance";

        var all = await DoAsync("get", "instance", "-o", "json");
        var one = await DoAsync("get", "instance/web", "-o", "json");

        using var http = new HttpClient { BaseAddress = Server.Address };
        http.DefaultRequestHeaders.Authorization = new("Bearer", Server.Token(ApiServer.Alicorn));
        Assert.That(all.Output, Is.EqualTo(await http.GetStringAsync(new Uri(path, UriKind.Relative)) + "\n"));
        Assert.That(one.Output, Is.EqualTo(await http.GetStringAsync(new Uri($"{path}/{ApiServer.Web}", UriKind.Relative)) + "\n"));
    }

    [Test]
    public async Task Yaml_says_the_same_as_json()
    {
        LoggedIn(ApiServer.Owner);

        var json = await DoAsync("get", "instance", "-o", "json");
        var yaml = await DoAsync("get", "instance", "-o", "yaml");

        Assert.That(JsonNode.DeepEquals(Files.DocumentFile.Parse("answer", yaml.Output).Root, json.Json), yaml.Output);
    }

    [TestCase("state=running", "web")]
    [TestCase("state!=running", "db")]
    [TestCase("current.status=unplaced", "db")]
    [TestCase("current.vcpu=1", "web")]
    [TestCase("cpu_profile=", "db web")]
    public async Task Rows_are_selected_by_what_they_say(string selector, string names)
    {
        LoggedIn(ApiServer.Owner);

        var outcome = await DoAsync("get", "instance", "-l", selector, "-o", "name");

        Assert.That(outcome.Output, Is.EqualTo(string.Concat(names.Split(' ').Select(name => name + "\n"))));
    }

    [Test]
    public async Task Fields_are_those_that_were_asked_for()
    {
        LoggedIn(ApiServer.Owner);

        var table = await DoAsync("get", "instance", "web", "--fields", "mem,current.mem");
        var json = await DoAsync("get", "instance", "web", "--fields", "mem,status", "-o", "json");

        Assert.That(table.Output, Is.EqualTo("MEM  MEM\n512  512\n"));
        Assert.That(json.Output, Is.EqualTo("{\"desired\":{\"mem\":512},\"current\":{\"status\":\"running\"}}\n"));
    }

    [TestCase("get", "instance", "nobody", ExitCode.NotFound)]
    [TestCase("get", "instance", "99999999-0000-4000-8000-000000000001", ExitCode.NotFound)]
    [TestCase("get", "instnce", "web", ExitCode.Usage)]
    [TestCase("get", "instance/web/disk", "a", ExitCode.Usage)]
    [TestCase("get", "host", "metal", ExitCode.Forbidden)]
    [TestCase("get", "instance", "--fields=colour", ExitCode.Usage)]
    [TestCase("get", "instance", "--output=xml", ExitCode.Usage)]
    public async Task What_cannot_be_shown_says_why(string command, string path, string name, int code)
    {
        LoggedIn(ApiServer.Owner);

        var outcome = await RunAsync(command, path, name);

        Assert.That(outcome.Code, Is.EqualTo(code), outcome.ToString());
        Assert.That(outcome.Output, Is.Empty);
        Assert.That(outcome.Error, Does.StartWith("pony: ").And.Not.Contain("   at "));
    }

    [Test]
    public async Task A_name_that_several_have_is_an_error_that_lists_them()
    {
        LoggedIn(ApiServer.Alicorn);
        var other = Guid.Parse("dddddddd-0000-4000-8000-000000000002");
        Server.Database.Put(new CpuProfileDesired { Uuid = other, Name = "small", Model = "qemu32" });

        var outcome = await RunAsync("get", "cpu-profile", "small");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(outcome.Error, Does.Contain(ApiServer.Profile.ToString()).And.Contain(other.ToString()));
        Assert.That((await DoAsync("get", "cpu-profile", "-o", "name")).Output, Is.EqualTo($"{ApiServer.Profile}\n{other}\n"));
    }

    [Test]
    public async Task An_operator_names_the_tenant_or_the_whole_path()
    {
        LoggedIn(ApiServer.Alicorn);

        Assert.That((await RunAsync("get", "instance")).Code, Is.EqualTo(ExitCode.Usage));
        Assert.That((await DoAsync("get", "instance", "--tenant", "acme", "-o", "name")).Output, Is.EqualTo("db\nweb\n"));
        Assert.That((await DoAsync("get", "/tenant/acme/instance", "-o", "name")).Output, Is.EqualTo("db\nweb\n"));
        Variables["PONY_TENANT"] = "acme";
        Assert.That((await DoAsync("get", "instance/web", "-o", "name")).Output, Is.EqualTo("web\n"));
        Assert.That((await DoAsync("get", "host", "-o", "name")).Output, Is.EqualTo("metal\n"));
    }

    [Test]
    public async Task Nothing_is_said_in_words_and_is_no_error()
    {
        LoggedIn(ApiServer.Alicorn);

        var table = await DoAsync("get", "instance", "--tenant", "bravo");
        var json = await DoAsync("get", "instance", "--tenant", "bravo", "-o", "json");

        Assert.That((table.Output, table.Error), Is.EqualTo(("", "pony: There is no instance here.\n")));
        Assert.That(json.Output, Is.EqualTo("{}\n"));
    }
}
