using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>The six operations of JSON Patch.</summary>
public enum PatchOperationKind
{
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// <summary>One operation of a patch.</summary>
/// <param name="From">Where a move or a copy takes its value; null for the others.</param>
/// <param name="Value">The value of an add, a replace or a test; null for the others.</param>
public sealed record PatchOperation(PatchOperationKind Kind, JsonPointer Path, JsonPointer? From, JToken? Value);

/// <summary>An operation is malformed, or cannot be applied.</summary>
/// <param name="index">Which one, from 0.</param>
public sealed class JsonPatchException(int index, ProblemKind kind, string message) : Exception(message)
{
    public int Index { get; } = index;

    public ProblemKind Kind { get; } = kind;
}

/// <summary>JSON Patch (RFC 6902).</summary>
/// <remarks>
/// Copying is bounded: a few hundred bytes of copies that copy the copies would otherwise fill the memory.
/// </remarks>
public static class JsonPatch
{
    private const int MaxCopiedTokens = 100_000;

    /// <exception cref="JsonPatchException">An operation is malformed.</exception>
    public static IReadOnlyList<PatchOperation> Read(JArray patch)
    {
        var operations = new PatchOperation[patch.Count];
        for (var i = 0; i < operations.Length; i++)
            operations[i] = ReadOperation(patch[i], i);
        return operations;
    }

    /// <summary>Applies all operations in order. The document and the patch stay as they are.</summary>
    /// <returns>The new document; null when an operation removed it as a whole.</returns>
    /// <exception cref="JsonPatchException">An operation cannot be applied.</exception>
    public static JToken? Apply(JToken document, IReadOnlyList<PatchOperation> patch)
    {
        var run = new Run(document.DeepClone());
        for (var i = 0; i < patch.Count; i++)
            run.Apply(patch[i], i);
        return run.Root;
    }

    /// <summary>Equality as a test operation means it: numbers by value, objects without regard to order.</summary>
    public static bool AreEqual(JToken left, JToken right)
    {
        switch (left, right)
        {
            case (JObject a, JObject b):
                return a.Count == b.Count && a.Properties().All(member => b[member.Name] is { } other && AreEqual(member.Value, other));
            case (JArray a, JArray b):
                return a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second));
            case (JValue a, JValue b) when IsNumber(a) && IsNumber(b):
                return a.Value is double || b.Value is double
                    ? Convert.ToDouble(a.Value).Equals(Convert.ToDouble(b.Value))
                    : Convert.ToDecimal(a.Value) == Convert.ToDecimal(b.Value);
            case (JValue a, JValue b):
                return a.Type == b.Type && Equals(a.Value, b.Value);
            default:
                return false;
        }
    }

    private static bool IsNumber(JValue value) => value.Type is JTokenType.Integer or JTokenType.Float;

    private static PatchOperation ReadOperation(JToken token, int index)
    {
        if (token is not JObject operation)
            throw new JsonPatchException(index, ProblemKind.MalformedPatch, "An operation must be an object.");
        var kind = Text(operation, "op", index) switch
        {
            "add" => PatchOperationKind.Add,
            "remove" => PatchOperationKind.Remove,
            "replace" => PatchOperationKind.Replace,
            "move" => PatchOperationKind.Move,
            "copy" => PatchOperationKind.Copy,
            "test" => PatchOperationKind.Test,
            _ => throw new JsonPatchException(
                index, ProblemKind.MalformedPatch, "The op must be one of add, remove, replace, move, copy, test."),
        };
        var path = Pointer(operation, "path", index);
        var from = kind is PatchOperationKind.Move or PatchOperationKind.Copy ? Pointer(operation, "from", index) : null;
        JToken? value = null;
        if (kind is PatchOperationKind.Add or PatchOperationKind.Replace or PatchOperationKind.Test)
        {
            value = operation["value"]
                ?? throw new JsonPatchException(index, ProblemKind.MalformedPatch, "The operation needs a value.");
        }
        return new PatchOperation(kind, path, from, value);
    }

    private static string Text(JObject operation, string member, int index) =>
        operation[member] is JValue { Value: string text }
            ? text
            : throw new JsonPatchException(index, ProblemKind.MalformedPatch, $"The operation needs a text as {member}.");

    private static JsonPointer Pointer(JObject operation, string member, int index) =>
        JsonPointer.TryParse(Text(operation, member, index))
            ?? throw new JsonPatchException(index, ProblemKind.MalformedPatch, $"The {member} is no JSON pointer.");

    private sealed class Run(JToken root)
    {
        private int _copied;
        private int _index;

        public JToken? Root { get; private set; } = root;

        public void Apply(PatchOperation operation, int index)
        {
            _index = index;
            switch (operation.Kind)
            {
                case PatchOperationKind.Add:
                    Add(operation.Path, Copy(operation.Value!, operation.Path));
                    break;
                case PatchOperationKind.Remove:
                    Remove(operation.Path);
                    break;
                case PatchOperationKind.Replace:
                    Replace(operation.Path, Copy(operation.Value!, operation.Path));
                    break;
                case PatchOperationKind.Move:
                    Move(operation.From!, operation.Path);
                    break;
                case PatchOperationKind.Copy:
                    Add(operation.Path, Copy(Get(operation.From!), operation.Path));
                    break;
                case PatchOperationKind.Test:
                    if (!AreEqual(Get(operation.Path), operation.Value!))
                        throw Failure("The value there is another one.", ProblemKind.TestFailed);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(operation));
            }
        }

        private void Move(JsonPointer from, JsonPointer path)
        {
            var value = Get(from);
            if (from.IsPrefixOf(path))
            {
                if (from.Tokens.Count < path.Tokens.Count)
                    throw Failure("A value cannot be moved into itself.");
                return;
            }
            Remove(from);
            Add(path, Copy(value, path));
        }

        private JToken Get(JsonPointer path)
        {
            var token = Root ?? throw Failure("There is no document.");
            foreach (var name in path.Tokens)
                token = Step(token, name);
            return token;
        }

        private JToken Parent(JsonPointer path)
        {
            var token = Root ?? throw Failure("There is no document.");
            for (var i = 0; i < path.Tokens.Count - 1; i++)
                token = Step(token, path.Tokens[i]);
            return token;
        }

        private JToken Step(JToken token, string name) => token switch
        {
            JObject parent => parent[name] ?? throw Failure($"There is no member {Shown(name)}."),
            JArray parent => parent[Index(parent, name, parent.Count - 1)],
            _ => throw Failure($"There is nothing below a single value, so no {Shown(name)}."),
        };

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
                    throw Failure("Nothing can be added to a single value.");
            }
        }

        private void Replace(JsonPointer path, JToken value)
        {
            if (path.Tokens.Count == 0)
                Root = Root is null ? throw Failure("There is no document.") : value;
            else
                Get(path).Replace(value);
        }

        private void Remove(JsonPointer path)
        {
            var value = Get(path);
            if (path.Tokens.Count == 0)
                Root = null;
            else if (value.Parent is JProperty member)
                member.Remove();
            else
                value.Remove();
        }

        private int Index(JArray array, string name, int max)
        {
            if (!JsonPointer.TryIndex(name, out var index))
                throw Failure($"{Shown(name)} is no index of an array.");
            return index <= max ? index : throw Failure($"The array has {array.Count} elements, so no index {index}.");
        }

        private JToken Copy(JToken value, JsonPointer path)
        {
            if (path.Tokens.Count + Weigh(value) > StrictJson.MaxDepth)
                throw Failure($"The document would nest deeper than {StrictJson.MaxDepth} levels.");
            return value.DeepClone();
        }

        // Counts the tokens against the bound, and returns how deep they nest.
        private int Weigh(JToken value)
        {
            if (++_copied > MaxCopiedTokens)
                throw Failure("The patch makes too large a document.");
            var depth = 0;
            foreach (var child in value is JContainer container ? container.Children() : JEnumerable<JToken>.Empty)
                depth = Math.Max(depth, Weigh(child is JProperty member ? member.Value : child));
            return value is JContainer ? depth + 1 : 0;
        }

        private JsonPatchException Failure(string message, ProblemKind? kind = null) =>
            new(_index, kind ?? ProblemKind.PatchFailed, message);

        private static string Shown(string name) => name.Length <= 64 ? $"'{name}'" : $"'{name[..64]}…'";
    }
}
