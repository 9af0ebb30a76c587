using Newtonsoft.Json.Linq;

namespace PonyCloud.TestKit.Trees;

/// <summary>A row that is to be made, with those below it.</summary>
/// <param name="Segment">The collection that it is in.</param>
/// <param name="Name">Stands for its key, or is it.</param>
/// <param name="Desired">What is sent; a text that is a name stands for the key of that row.</param>
public sealed record TreeNode(string Segment, string Name, JObject Desired)
{
    /// <summary>What the platform adds.</summary>
    public JObject Made { get; init; } = [];

    /// <summary>The column of a key that the client chooses.</summary>
    public string? KeyColumn { get; init; }

    /// <summary>The rows below, by collection; one that stays empty is there as well.</summary>
    public IReadOnlyDictionary<string, TreeNode[]> Children { get; init; } = new Dictionary<string, TreeNode[]>();

    /// <summary>As a POST takes it, and the value of an add.</summary>
    public JObject Nested(IReadOnlyDictionary<string, string> known, bool withKey = false)
    {
        var desired = Resolved(Desired, known);
        if (withKey && KeyColumn is not null)
            desired[KeyColumn] = Name;
        var row = new JObject { ["desired"] = desired };
        if (Children.Count > 0)
            row["children"] = Collections(child => child.Nested(known));
        return row;
    }

    /// <summary>As a merge patch takes it.</summary>
    public JObject Merged()
    {
        var row = Collections(child => child.Merged());
        row["desired"] = Desired.DeepClone();
        return row;
    }

    /// <summary>As operations of a JSON Patch, one for each row.</summary>
    public IEnumerable<JObject> Flat(string above)
    {
        var path = $"{above}/{Segment}/{Name}";
        return Children.Values.SelectMany(rows => rows).SelectMany(child => child.Flat(path)).Prepend(Add(path, new JObject { ["desired"] = Desired.DeepClone() }));
    }

    public static JObject Add(string path, JObject value) => new() { ["op"] = "add", ["path"] = path, ["value"] = value };

    /// <summary>How what is shown differs from what was meant; null when it does not.</summary>
    /// <param name="above">The collection that the row is in, as it is shown.</param>
    public string? Difference(JToken? above, IReadOnlyDictionary<string, string> keys)
    {
        var key = keys.GetValueOrDefault(Name, Name);
        if (above?[key] is not JObject row)
            return $"{Segment} {Name} is not there";
        var expected = Resolved(Made, keys);
        expected.Merge(Resolved(Desired, keys));
        foreach (var column in expected.Properties())
        {
            if (!JToken.DeepEquals(row["desired"]![column.Name], column.Value))
                return $"{Segment} {Name} has {row["desired"]![column.Name]} as {column.Name} and not {column.Value}";
        }
        foreach (var (segment, children) in Children)
        {
            if (row[segment] is not JObject collection || collection.Count != children.Length)
                return $"{Segment} {Name} has {row[segment]?.Count() ?? -1} of {segment} and not {children.Length}";
            if (children.Select(child => child.Difference(collection, keys)).FirstOrDefault(found => found is not null) is { } difference)
                return difference;
        }
        return null;
    }

    private JObject Collections(Func<TreeNode, JObject> write) => new(Children.Select(collection => new JProperty(
        collection.Key, new JObject(collection.Value.Select(child => new JProperty(child.Name, write(child)))))));

    private static JObject Resolved(JObject columns, IReadOnlyDictionary<string, string> known) => new(columns.Properties().Select(column =>
        new JProperty(column.Name, column.Value is JValue { Value: string text } && known.TryGetValue(text, out var key) ? key : column.Value)));
}
