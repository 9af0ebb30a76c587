using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>A document to which operations of a patch are applied, one after the other.</summary>
/// <remarks>
/// What a patch can cause is bounded by its own size, but for copies: a few hundred bytes of copies that copy the copies
/// would fill the memory, and moving a large value to and fro would take long, so what they touch is counted.
/// </remarks>
public sealed class PatchedDocument(JToken root)
{
    private const int MaxCopiedTokens = 100_000;

    private const int MaxMovedTokens = 1_000_000;

    private int _copied;
    private int _moved;

    /// <summary>The document as it is now; null after an operation removed it as a whole.</summary>
    public JToken? Root { get; private set; } = root;

    /// <param name="levelsAbove">How many levels of the document do not count as nesting.</param>
    /// <exception cref="PatchFailedException">It cannot be applied. Then the document is of no more use, but after a failed test.</exception>
    public void Apply(PatchOperation operation, int levelsAbove = 0)
    {
        var level = operation.Path.Tokens.Count - levelsAbove;
        switch (operation.Kind)
        {
            case PatchOperationKind.Add:
                Add(operation.Path, Checked(operation.Value!.DeepClone(), level));
                break;
            case PatchOperationKind.Remove:
                Remove(operation.Path);
                break;
            case PatchOperationKind.Replace:
                Replace(operation.Path, Checked(operation.Value!.DeepClone(), level));
                break;
            case PatchOperationKind.Move:
                Move(operation.From!, operation.Path, level);
                break;
            case PatchOperationKind.Copy:
                Add(operation.Path, Copy(Get(operation.From!), level));
                break;
            case PatchOperationKind.Test:
                if (!JsonPatch.AreEqual(Get(operation.Path), operation.Value!))
                    throw new PatchFailedException("The value there is another one.", ProblemKind.TestFailed);
                break;
            case PatchOperationKind.Merge:
                Merge(operation.Path, Checked(operation.Value!, level));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation.Kind, "A document alone cannot do this.");
        }
    }

    /// <exception cref="PatchFailedException">There is nothing.</exception>
    public JToken Get(JsonPointer path) => Descend(path, path.Tokens.Count);

    /// <summary>What is there, or null.</summary>
    public JToken? Find(JsonPointer path)
    {
        var token = Root;
        foreach (var name in path.Tokens)
        {
            token = token switch
            {
                JObject parent => parent[name],
                JArray parent when JsonPointer.TryIndex(name, out var index) && index < parent.Count => parent[index],
                _ => null,
            };
        }
        return token;
    }

    /// <summary>A copy that counts against the bound of what a patch may copy.</summary>
    /// <exception cref="PatchFailedException">The patch copies too much, or the copy would nest too deep at this level.</exception>
    public JToken Copy(JToken value, int level)
    {
        Checked(value, level, ref _copied, MaxCopiedTokens);
        return value.DeepClone();
    }

    private JToken Descend(JsonPointer path, int levels)
    {
        var token = Root ?? throw new PatchFailedException("There is no document.");
        for (var i = 0; i < levels; i++)
            token = Step(token, path.Tokens[i]);
        return token;
    }

    private JToken Parent(JsonPointer path) => Descend(path, path.Tokens.Count - 1);

    private static JToken Step(JToken token, string name) => token switch
    {
        JObject parent => parent[name] ?? throw new PatchFailedException($"There is no member {Shown(name)}."),
        JArray parent => parent[Index(parent, name, parent.Count - 1)],
        _ => throw new PatchFailedException($"There is nothing below a single value, so no {Shown(name)}."),
    };

    private void Move(JsonPointer from, JsonPointer path, int level)
    {
        var value = Get(from);
        if (from.IsPrefixOf(path))
        {
            if (from.Tokens.Count < path.Tokens.Count)
                throw new PatchFailedException("A value cannot be moved into itself.");
            return;
        }
        Checked(value, level, ref _moved, MaxMovedTokens);
        Remove(from);
        Add(path, value);
    }

    private void Merge(JsonPointer path, JToken value)
    {
        if (path.Tokens.Count == 0)
        {
            Root = MergePatch.Apply(Root, value);
            return;
        }
        var name = path.Tokens[^1];
        switch (Parent(path))
        {
            case JObject parent when value.Type == JTokenType.Null:
                parent.Remove(name);
                break;
            case JObject parent:
                var before = parent[name];
                var after = MergePatch.Apply(before, value);
                if (!ReferenceEquals(before, after))
                    parent[name] = after;
                break;
            case JArray parent:
                var index = Index(parent, name, parent.Count - 1);
                var merged = MergePatch.Apply(parent[index], value);
                if (!ReferenceEquals(parent[index], merged))
                    parent[index] = merged;
                break;
            default:
                throw new PatchFailedException("Nothing can be merged into a single value.");
        }
    }

    private void Add(JsonPointer path, JToken value)
    {
        if (path.Tokens.Count == 0)
        {
            Root = value;
            return;
        }
        var name = path.Tokens[^1];
        switch (Parent(path))
        {
            case JObject parent:
                parent[name] = value;
                break;
            case JArray parent:
                parent.Insert(name == "-" ? parent.Count : Index(parent, name, parent.Count), value);
                break;
            default:
                throw new PatchFailedException("Nothing can be added to a single value.");
        }
    }

    private void Replace(JsonPointer path, JToken value)
    {
        var before = Get(path);
        if (path.Tokens.Count == 0)
            Root = value;
        else
            before.Replace(value);
    }

    private void Remove(JsonPointer path)
    {
        var value = Get(path);
        if (path.Tokens.Count == 0)
            Root = null;
        else if (value.Parent is JProperty member)
        {
            member.Remove();
            // So that the value can go elsewhere without being copied.
            member.Value = JValue.CreateNull();
        }
        else
            value.Remove();
    }

    private static int Index(JArray array, string name, int max)
    {
        if (!JsonPointer.TryIndex(name, out var index))
            throw new PatchFailedException($"{Shown(name)} is no index of an array.");
        return index <= max ? index : throw new PatchFailedException($"The array has {array.Count} elements, so no index {index}.");
    }

    // What the patch brings along itself is bounded already.
    private static JToken Checked(JToken value, int level)
    {
        var free = 0;
        return Checked(value, level, ref free, int.MaxValue);
    }

    private static JToken Checked(JToken value, int level, ref int count, int max) =>
        level + Depth(value, ref count, max) <= StrictJson.MaxDepth
            ? value
            : throw new PatchFailedException($"The row would nest deeper than {StrictJson.MaxDepth} levels.");

    private static int Depth(JToken value, ref int count, int max)
    {
        if (++count > max)
            throw new PatchFailedException("The patch copies or moves too much.");
        var depth = 0;
        foreach (var child in value is JContainer container ? container.Children() : JEnumerable<JToken>.Empty)
            depth = Math.Max(depth, Depth(child is JProperty member ? member.Value : child, ref count, max));
        return value is JContainer ? depth + 1 : 0;
    }

    private static string Shown(string name) => name.Length <= 64 ? $"'{name}'" : $"'{name[..64]}…'";
}
