using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

/// <summary>Instances are made from templates, called by their names.</summary>
internal sealed class TemplateTests : PonyFixture
{
    private static readonly Guid Own = Guid.Parse("aaaaaaaa-0000-4000-8000-00000000000a");
    private static readonly Guid Everybodys = Guid.Parse("cccccccc-0000-4000-8000-00000000000a");
    private static readonly Guid Foreign = Guid.Parse("bbbbbbbb-0000-4000-8000-00000000000a");
    private static readonly Guid Pool = Guid.Parse("cccccccc-0000-4000-8000-00000000000b");

    [SetUp]
    public void PutTemplates()
    {
        LoggedIn(ApiServer.Owner);
        Server.Database.Put(
            new StoragePoolDesired { Uuid = Pool, Name = "fast", Type = StoragePoolType.Dir, Config = JsonText.Parse("""{"path":"/srv"}""") },
            Template(Own, ApiServer.TenantA, "small"),
            Template(Everybodys, null, "debian"),
            Template(Foreign, ApiServer.TenantB, "foreign"),
            Disk(Own),
            Disk(Everybodys));
    }

    [TestCase("small", "web2-0")]
    [TestCase("debian", "web2-0")]
    [TestCase("cccccccc-0000-4000-8000-00000000000A", "web2-0")]
    public async Task An_instance_is_made_with_what_its_template_has(string template, string volume)
    {
        var made = await DoAsync("create", "instance", "web2", "--template", template, "--set", "vcpu=4");

        var row = Instance("web2")!;
        Assert.That(made.Output, Is.EqualTo($"instance web2 {row.Uuid} created\n"));
        Assert.That((row.Mem, row.Vcpu, row.Template), Is.EqualTo((512L, 4, false)));
        Assert.That(Rows<VolumeDesired>("volume").Select(one => (one.Name, one.Size)), Is.EqualTo(((string, long)[])[(volume, 100)]));
    }

    [Test]
    public async Task A_file_lies_over_the_template_that_it_names()
    {
        var file = WriteFile("row.yaml", """
            template: small
            children: {vdisk: {$root: {desired: {index: 0, size: 300}}}}
            """);
        await DoAsync("create", "instance", "web2", "-f", file);
        Assert.That(Rows<VolumeDesired>("volume").Single().Size, Is.EqualTo(300));
    }

    [Test]
    public async Task What_is_wrong_in_it_is_told_where_it_was_named()
    {
        var typed = await RunAsync("create", "instance", "web2", "--template", $"{Foreign}");
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Refused));
        Assert.That(typed.Error, Does.Contain("template: There is no such template."));
        var file = WriteFile("row.yaml", $"template: {Foreign}\ndesired: {{name: web2}}\n");
        Assert.That((await RunAsync("create", "instance", "-f", file)).Error, Does.Contain($"{file}:1: /template: There is no such template."));
    }

    [TestCase("instance", "web", ExitCode.NotFound, Description = "a name of an instance that is none")]
    [TestCase("instance", "foreign", ExitCode.NotFound)]
    [TestCase("volume", "small", ExitCode.Usage)]
    public async Task A_template_that_cannot_be_used_is_told_before(string collection, string template, int code)
    {
        var outcome = await RunAsync("create", collection, "x", "--template", template);
        Assert.That(outcome.Code, Is.EqualTo(code), outcome.ToString());
        Assert.That(Server.Seen, Has.None.Matches<SeenRequest>(request => request is { Method: "POST" } && !request.Path.EndsWith("/token", StringComparison.Ordinal)));
    }

    [Test]
    public async Task A_tree_of_rows_is_made_with_templates()
    {
        var file = WriteFile("tree.yaml", """
            instance:
              a: {template: small, desired: {user_data: null, vcpu: 4}, vdisk: {$d: {desired: {index: 0, size: 300}}}}
              b: {template: debian}
            """);

        var diff = await RunAsync("diff", "-f", file);
        var apply = await DoAsync("apply", "-f", file);

        Assert.That(diff.Output, Does.Contain($"instance/a\n    from template: {Own}\n    vcpu: 4\n").And.Contain($"instance/b\n    from template: {Everybodys}\n"));
        Assert.That(apply.Output, Does.EndWith("3 created, 0 changed, 0 removed.\n"));
        Assert.That((Instance("a")!.UserData, Instance("b")!.UserData), Is.EqualTo(((string?)null, "#!/bin/sh")));
        Assert.That(Rows<VolumeDesired>("volume").Select(one => (one.Name, one.Size)), Is.EquivalentTo(((string, long)[])[("a-0", 300), ("b-0", 100)]));
        var again = WriteFile("again.yaml", "instance: {a: {template: small, desired: {vcpu: 4}}}");
        Assert.That((await RunAsync("diff", "-f", again)).Code, Is.EqualTo(ExitCode.Ok), "what it was made from is of the past");
    }

    [TestCase("instance: {a: {template: nobody}}", ExitCode.NotFound, ":1: ")]
    [TestCase("instance: {a: {template: [1]}}", ExitCode.Usage, ":1: /instance/a/template: ")]
    [TestCase("volume: {a: {template: small}}", ExitCode.Usage, "/volume/a/template")]
    [TestCase("instance:\n  a:\n    template: bbbbbbbb-0000-4000-8000-00000000000a", ExitCode.Refused, ":3: /instance/a/template: There is no such template.")]
    public async Task What_is_wrong_in_a_tree_is_told_by_its_line(string text, int code, string where)
    {
        var outcome = await RunAsync("apply", "-f", WriteFile("tree.yaml", text));
        Assert.That(outcome.Code, Is.EqualTo(code), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain(where));
        Assert.That(Instance("a"), Is.Null);
    }

    [Test]
    public async Task Templates_are_offered_by_their_names()
    {
        var outcome = await DoAsync("__complete", "--", "create", "instance", "web2", "--template", "");
        Assert.That(outcome.Output, Is.EqualTo("debian\nsmall\n"));
        Assert.That((await DoAsync("__complete", "--", "create", "volume", "x", "--template", "")).Output, Is.Empty);
    }

    private static InstanceDesired Template(Guid uuid, Guid? tenant, string name) => new()
    {
        Uuid = uuid,
        Tenant = tenant,
        Name = name,
        Template = true,
        Mem = 512,
        UserData = "#!/bin/sh",
    };

    private static VdiskDesired Disk(Guid template) => new()
    {
        Uuid = Guid.NewGuid(),
        Instance = template,
        StoragePool = Pool,
        Size = 100,
        Index = 0,
    };

    private InstanceDesired? Instance(string name) => Rows<InstanceDesired>("instance").SingleOrDefault(row => row.Name == name);

    private IEnumerable<T> Rows<T>(string entity) => Server.Database.Snapshot![Server.Database.Catalog[entity]].Rows.Select(row => row.Desired).OfType<T>();
}
