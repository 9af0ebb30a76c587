using System.Globalization;
using Newtonsoft.Json.Linq;
using NUnit.Framework;

namespace PonyCloud.TestKit.Trees;

/// <summary>Sends a request as an operator of the platform.</summary>
public delegate Task<(int Status, JObject Json)> TreeSender(string method, string path, string? body, string mediaType);

/// <summary>Sends trees to an API, whatever is behind it, and looks whether a GET of the root shows them as they were meant.</summary>
/// <param name="users">Email addresses of users that are there.</param>
public sealed class TreeFollower(TreeSender send, IReadOnlyList<string> users)
{
    private int _trees;

    public async Task FollowAsync(Tree tree)
    {
        var rows = new TreeRows(tree, string.Create(CultureInfo.InvariantCulture, $"t{++_trees}"), users).Roots;
        var keys = tree.Way == TreeWay.Posts ? await PostAsync(rows) : await PatchAsync(tree.Way, rows);
        var root = await RequestAsync("GET", "/api/v1/", null, "", 200);
        foreach (var row in rows)
            Assert.That(row.Difference(root[row.Segment], keys), Is.Null);
        for (var t = 0; t < tree.Tenants.Length; t++)
            CheckOtherSides(tree.Tenants[t], (JObject)root["tenant"]![keys[$"$t{t}"]]!);
    }

    // What belongs to two rows is found below both.
    private static void CheckOtherSides(Household tenant, JObject shown)
    {
        var cards = tenant.Machines.SelectMany(machine => machine.Cards).ToList();
        Assert.That(Below(shown, "switch", "vnic"), Is.EquivalentTo(Below(shown, "instance", "vnic")).And.Exactly(cards.Count).Items);
        Assert.That(Below(shown, "volume", "vdisk"), Is.EquivalentTo(Below(shown, "instance", "vdisk")));
        var addresses = ((JObject)shown["switch"]!).Properties().SelectMany(one => Below((JObject)one.Value, "network", "address"));
        Assert.That(addresses.Count(), Is.EqualTo(cards.Sum(card => card.Addresses.Length)));
    }

    private static IEnumerable<string> Below(JObject row, string collection, string child) =>
        ((JObject)row[collection]!).Properties().SelectMany(one => ((JObject)one.Value[child]!).Properties().Select(found => found.Name));

    private async Task<Dictionary<string, string>> PostAsync(IEnumerable<TreeNode> rows)
    {
        var keys = new Dictionary<string, string>();
        foreach (var row in rows)
        {
            var made = await RequestAsync("POST", $"/api/v1/{row.Segment}", row.Nested(keys, withKey: true), "application/json", 201);
            foreach (var (name, key) in (JObject)made["uuids"]!)
                keys[name == "POST" ? row.Name : name] = (string)key!;
        }
        return keys;
    }

    private async Task<Dictionary<string, string>> PatchAsync(TreeWay way, IReadOnlyList<TreeNode> rows)
    {
        var nothing = new Dictionary<string, string>();
        // In a patch what others refer to may come behind them.
        var operations = rows.Reverse();
        var made = way switch
        {
            TreeWay.MergePatch => await RequestAsync("PATCH", "/api/v1/", new JObject(rows.GroupBy(row => row.Segment).Select(collection =>
                new JProperty(collection.Key, new JObject(collection.Select(row => new JProperty(row.Name, row.Merged())))))), "application/merge-patch+json", 200),
            TreeWay.FlatPatch => await RequestAsync("PATCH", "/api/v1/", new JArray(operations.SelectMany(row => row.Flat(""))), "application/json-patch+json", 200),
            _ => await RequestAsync(
                "PATCH", "/api/v1/", new JArray(operations.Select(row => TreeNode.Add($"/{row.Segment}/{row.Name}", row.Nested(nothing)))), "application/json-patch+json", 200),
        };
        return ((JObject)made["uuids"]!).Properties().ToDictionary(name => name.Name, name => (string)name.Value!);
    }

    private async Task<JObject> RequestAsync(string method, string path, JToken? body, string mediaType, int status)
    {
        var answer = await send(method, path, body?.ToString(), mediaType);
        Assert.That(answer.Status, Is.EqualTo(status), $"{method} {path} {body}: {answer.Json}");
        return answer.Json;
    }
}
