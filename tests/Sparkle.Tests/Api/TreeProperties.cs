using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Newtonsoft.Json.Linq;
using NUnit.Framework;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Whatever tree of rows is sent, and in whichever way: a GET shows it as it was meant.</summary>
public sealed class TreeProperties : ApiFixture
{
    private static readonly string[] Users = [Owner, Admin, Operator, Stranger];

    // What the trees are about; an instance may have more columns.
    private static readonly string[] Columns = ["cpu_profile", "mem", "name", "rcpu", "state", "stop_timeout", "tenant", "uuid", "vcpu"];

    private int _trees;

    public enum Way
    {
        Posts,
        NestedPatch,
        FlatPatch,
        MergePatch,
    }

    /// <param name="Profile">Which of the new processor profiles it uses; null for none.</param>
    public sealed record Machine(long Mem, int? Vcpu, string? State, int? Profile);

    /// <param name="Members">The role of each of the users; null for none.</param>
    public sealed record Household(Machine[] Machines, string?[] Members);

    /// <param name="Settings">The JSON of each value.</param>
    public sealed record Tree(Way Way, int Profiles, Household[] Tenants, string[] Settings);

    private static Gen<Tree> AnyTree =>
        from way in Gen.Elements(Enum.GetValues<Way>())
        from profiles in Gen.Choose(0, 2)
        from tenants in Gen.ArrayOf(AnyHousehold(profiles), 3)
        from count in Gen.Choose(0, 3)
        from settings in Gen.ArrayOf(Gen.Elements("1", "\"text\"", "[1,{\"a\":[]}]", "{\"a\":{\"b\":1.5}}", "{}", "false"), 3)
        select new Tree(way, profiles, tenants[..count], settings);

    private static Gen<Household> AnyHousehold(int profiles) =>
        from count in Gen.Choose(0, 4)
        from machines in Gen.ArrayOf(AnyMachine(profiles), 4)
        from members in Gen.ArrayOf(Gen.Elements<string?>(null, "owner", "admin", "operator"), Users.Length)
        select new Household(machines[..count], members);

    private static Gen<Machine> AnyMachine(int profiles) =>
        from mem in Gen.Choose(16, 4096)
        from vcpu in Gen.Elements<int?>(null, 1, 2, 512)
        from state in Gen.Elements<string?>(null, "running", "paused", "stopped")
        from profile in Gen.Choose(-1, profiles - 1)
        select new Machine(mem, vcpu, state, profile < 0 ? null : profile);

    [Test]
    public void What_was_written_in_any_way_is_what_is_read() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60),
        Prop.ForAll(Arb.From(AnyTree), tree => Task.Run(() => FollowAsync(tree)).GetAwaiter().GetResult()));

    private async Task FollowAsync(Tree tree)
    {
        // Names are unique in the platform, and every tree meets those before it.
        var prefix = $"t{(++_trees).ToString(CultureInfo.InvariantCulture)}";
        var commits = Database.Commits;
        var uuids = tree.Way == Way.Posts ? await PostAsync(tree, prefix) : await PatchAsync(tree, prefix);
        if (tree.Way != Way.Posts)
            Assert.That(Database.Commits - commits, Is.EqualTo(1));

        for (var t = 0; t < tree.Tenants.Length; t++)
        {
            var path = $"/api/v1/tenant/{uuids[$"$t{t}"]}";
            var shown = (await GetAsync(path, Token(Alicorn))).Json;
            Assert.That((string)shown["desired"]!["name"]!, Is.EqualTo($"{prefix}-{t}"));
            var machines = (await GetAsync($"{path}/instance", Token(Alicorn))).Json.Properties()
                .Select(row => row.Value["desired"]!.ToString()).Order(StringComparer.Ordinal);
            var expected = tree.Tenants[t].Machines.Select((machine, i) => Shown(machine, t, i, uuids).ToString()).Order(StringComparer.Ordinal);
            Assert.That(machines.Select(Sorted), Is.EquivalentTo(expected.Select(Sorted)));
            var members = (await GetAsync($"{path}/member", Token(Alicorn))).Json.Properties()
                .Select(row => ((string)row.Value["desired"]!["user"]!, (string)row.Value["desired"]!["role"]!));
            Assert.That(members, Is.EquivalentTo(Users.Zip(tree.Tenants[t].Members).Where(member => member.Second is not null)));
        }
        for (var i = 0; i < tree.Settings.Length; i++)
        {
            var value = (await GetAsync($"/api/v1/config/{prefix}.{i}", Token(Alicorn))).Json["desired"]!["value"]!;
            Assert.That(JToken.DeepEquals(value, JToken.Parse(tree.Settings[i])), Is.True, value.ToString());
        }
    }

    // Of the order of members nothing is promised.
    private static string Sorted(string json) =>
        new JObject(JObject.Parse(json).Properties()
            .Where(member => Columns.Contains(member.Name)).OrderBy(member => member.Name, StringComparer.Ordinal)).ToString();

    private static JObject Shown(Machine machine, int tenant, int index, Dictionary<string, string> uuids)
    {
        var desired = Desired(machine, index, uuids);
        desired["uuid"] = uuids[$"$i{tenant}.{index}"];
        desired["tenant"] = uuids[$"$t{tenant}"];
        desired["state"] ??= "stopped";
        desired["vcpu"] ??= 1;
        desired["rcpu"] = 0;
        desired["stop_timeout"] = 60;
        return desired;
    }

    private static JObject Desired(Machine machine, int index, Dictionary<string, string>? uuids)
    {
        var desired = new JObject { ["name"] = $"m{index}", ["mem"] = machine.Mem };
        if (machine.Vcpu is { } vcpu)
            desired["vcpu"] = vcpu;
        if (machine.State is { } state)
            desired["state"] = state;
        if (machine.Profile is { } profile)
            desired["cpu_profile"] = uuids is null ? $"$p{profile}" : uuids[$"$p{profile}"];
        return desired;
    }

    private static JObject Row(JObject desired) => new() { ["desired"] = desired };

    private static JObject NewProfile(string prefix, int index) => Row(new JObject { ["name"] = $"{prefix}-{index}", ["model"] = "EPYC" });

    private static JObject Setting(string json) => Row(new JObject { ["value"] = JToken.Parse(json) });

    private static JObject Tenant(string prefix, int index) => Row(new JObject { ["name"] = $"{prefix}-{index}" });

    private static JObject Machines(Household tenant, int index, Dictionary<string, string>? uuids) =>
        new(tenant.Machines.Select((machine, i) => new JProperty($"$i{index}.{i}", Row(Desired(machine, i, uuids)))));

    private static JObject Members(Household tenant, int index) =>
        new(Users.Zip(tenant.Members).Where(member => member.Second is not null).Select((member, i) =>
            new JProperty($"$m{index}.{i}", Row(new JObject { ["user"] = member.First, ["role"] = member.Second }))));

    private async Task<Dictionary<string, string>> PostAsync(Tree tree, string prefix)
    {
        var uuids = new Dictionary<string, string>();
        for (var p = 0; p < tree.Profiles; p++)
            uuids[$"$p{p}"] = (string)(await MadeAsync("/api/v1/cpu-profile", NewProfile(prefix, p)))["POST"]!;
        for (var t = 0; t < tree.Tenants.Length; t++)
        {
            var row = Tenant(prefix, t);
            row["children"] = new JObject { ["instance"] = Machines(tree.Tenants[t], t, uuids), ["member"] = Members(tree.Tenants[t], t) };
            foreach (var (name, uuid) in await MadeAsync("/api/v1/tenant", row))
                uuids[name == "POST" ? $"$t{t}" : name] = (string)uuid!;
        }
        for (var i = 0; i < tree.Settings.Length; i++)
        {
            var row = Setting(tree.Settings[i]);
            row["desired"]!["key"] = $"{prefix}.{i}";
            await MadeAsync("/api/v1/config", row);
        }
        return uuids;
    }

    private async Task<JObject> MadeAsync(string path, JObject row)
    {
        var answer = await base.PostAsync(path, Token(Alicorn), row);
        Assert.That((int)answer.Status, Is.EqualTo(201), answer.ToString());
        return (JObject)answer.Json["uuids"]!;
    }

    private async Task<Dictionary<string, string>> PatchAsync(Tree tree, string prefix)
    {
        var (body, type) = tree.Way == Way.MergePatch
            ? ((JToken)Merge(tree, prefix), "application/merge-patch+json")
            : (Operations(tree, prefix), "application/json-patch+json");
        var answer = await SendAsync(HttpMethod.Patch, "/api/v1/", Token(Alicorn), body, type);
        Assert.That((int)answer.Status, Is.EqualTo(200), answer.ToString());
        return ((JObject)answer.Json["uuids"]!).Properties().ToDictionary(name => name.Name, name => (string)name.Value!);
    }

    private static JArray Operations(Tree tree, string prefix)
    {
        var operations = new JArray();
        for (var t = 0; t < tree.Tenants.Length; t++)
        {
            var row = Tenant(prefix, t);
            var (machines, members) = (Machines(tree.Tenants[t], t, null), Members(tree.Tenants[t], t));
            if (tree.Way == Way.NestedPatch)
                row["children"] = new JObject { ["instance"] = machines, ["member"] = members };
            Add($"/tenant/$t{t}", row);
            if (tree.Way == Way.NestedPatch)
                continue;
            foreach (var machine in machines.Properties())
                Add($"/tenant/$t{t}/instance/{machine.Name}", machine.Value);
            foreach (var member in members.Properties())
                Add($"/tenant/$t{t}/member/{member.Name}", member.Value);
        }
        // What others refer to may come behind them.
        for (var p = 0; p < tree.Profiles; p++)
            Add($"/cpu-profile/$p{p}", NewProfile(prefix, p));
        for (var i = 0; i < tree.Settings.Length; i++)
            Add($"/config/{prefix}.{i}", Setting(tree.Settings[i]));
        return operations;

        void Add(string path, JToken value) => operations.Add(new JObject { ["op"] = "add", ["path"] = path, ["value"] = value });
    }

    private static JObject Merge(Tree tree, string prefix) => new()
    {
        ["tenant"] = new JObject(tree.Tenants.Select((tenant, t) =>
        {
            var row = Tenant(prefix, t);
            row["instance"] = Machines(tenant, t, null);
            row["member"] = Members(tenant, t);
            return new JProperty($"$t{t}", row);
        })),
        ["cpu-profile"] = new JObject(Enumerable.Range(0, tree.Profiles).Select(p => new JProperty($"$p{p}", NewProfile(prefix, p)))),
        ["config"] = new JObject(tree.Settings.Select((json, i) => new JProperty($"{prefix}.{i}", Setting(json)))),
    };
}
