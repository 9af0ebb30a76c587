using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>Reads JSON Patch (RFC 6902), with the platform's own <c>x-merge</c> and <c>x-verify</c>.</summary>
public static class JsonPatch
{
    /// <param name="errors">Takes what is malformed, with a pointer into the patch.</param>
    /// <returns>The operations that are well-formed.</returns>
    public static IReadOnlyList<PatchOperation> Read(JArray patch, ICollection<FieldError> errors)
    {
        var operations = new List<PatchOperation>(patch.Count);
        for (var i = 0; i < patch.Count; i++)
        {
            try
            {
                operations.Add(ReadOperation(patch[i]));
            }
            catch (PatchFailedException exception)
            {
                errors.Add(new FieldError($"/{i}", exception.Kind, exception.Message));
            }
        }
        return operations;
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

    private static PatchOperation ReadOperation(JToken token)
    {
        if (token is not JObject operation)
            throw Malformed("An operation must be an object.");
        var kind = Text(operation, "op") switch
        {
            "add" => PatchOperationKind.Add,
            "remove" => PatchOperationKind.Remove,
            "replace" => PatchOperationKind.Replace,
            "move" => PatchOperationKind.Move,
            "copy" => PatchOperationKind.Copy,
            "test" => PatchOperationKind.Test,
            "x-merge" => PatchOperationKind.Merge,
            "x-verify" => PatchOperationKind.Verify,
            _ => throw Malformed("The op must be one of add, remove, replace, move, copy, test, x-merge, x-verify."),
        };
        var path = Pointer(operation, "path");
        if (kind is PatchOperationKind.Move or PatchOperationKind.Copy)
            return new PatchOperation(kind, path, Pointer(operation, "from"), null);
        if (kind == PatchOperationKind.Remove)
            return new PatchOperation(kind, path, null, null);
        return new PatchOperation(kind, path, null, operation["value"] ?? throw Malformed("The operation needs a value."));
    }

    private static string Text(JObject operation, string member) =>
        operation[member] is JValue { Value: string text } ? text : throw Malformed($"The operation needs a text as {member}.");

    private static JsonPointer Pointer(JObject operation, string member) =>
        JsonPointer.TryParse(Text(operation, member)) ?? throw Malformed($"The {member} is no JSON pointer.");

    private static PatchFailedException Malformed(string message) => new(message, ProblemKind.MalformedPatch);
}
