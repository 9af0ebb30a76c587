using System.Text.Json;
using System.Text.Json.Nodes;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Writing;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>A column as JSON Schema, and a value of it for examples.</summary>
internal static class ColumnSchema
{
    private const string SomeUuid = "2f6c1f0e-3a55-4c5e-9d61-0a3c8e1b7f42";
    private const int LongestName = 12;

    /// <param name="forWriting">Whether it is what a client sends; else what it reads, where nulls are left out.</param>
    public static JsonObject Of(Column column, bool forWriting, object? defaults)
    {
        var schema = column.IsPassword ? Password() : Kind(column);
        if (forWriting && column.IsNullable && schema["type"] is JsonValue type)
        {
            schema["type"] = new JsonArray(type.GetValue<string>(), "null");
            if (schema["enum"] is JsonArray names)
                names.Add(null);
        }
        if (column.IsSecret)
            schema["writeOnly"] = true;
        if (column.Description.Length > 0)
            schema["description"] = column.Description;
        if (forWriting && !column.IsRequired && defaults is not null && column.Get(defaults) is { } value)
            schema["default"] = Value(column, value);
        if (column.References is not null)
            schema["x-references"] = column.References;
        if (column.IsImmutable)
            schema["x-immutable"] = true;
        if (column.IsOperatorOnly)
            schema["x-operator-only"] = true;
        return schema;
    }

    /// <summary>A value that the column takes, as far as the column alone decides; null when none is known.</summary>
    public static JsonNode? Example(Column column) => column.Kind switch
    {
        _ when column.IsPassword => new JsonObject { ["password"] = "seven llamas on a raft" },
        ColumnKind.Uuid => SomeUuid,
        ColumnKind.Text => Text(column) is { } text ? JsonValue.Create(text) : null,
        ColumnKind.Integer or ColumnKind.BigInteger => Math.Clamp(column.Minimum ?? 0, column.Minimum ?? 0, column.Maximum ?? long.MaxValue),
        ColumnKind.Real => column.Minimum ?? 0.5,
        ColumnKind.Boolean => true,
        ColumnKind.Enumeration => column.EnumNames.First(),
        ColumnKind.Json => new JsonObject(),
        ColumnKind.Timestamp => "2027-01-31T12:00:00Z",
        ColumnKind.TextList => new JsonArray(Text(column)),
        ColumnKind.AddressList => new JsonArray("192.0.2.10"),
        ColumnKind.Address => "192.0.2.10",
        ColumnKind.Network => "192.0.2.0/24",
        ColumnKind.HardwareAddress => "52:54:00:12:34:56",
        ColumnKind.Range => "[0,1024)",
        _ => null,
    };

    // A name within its pattern that reads better than what the pattern alone would give.
    private static string? Text(Column column)
    {
        foreach (var candidate in (string[])[column.Name.Replace('_', '-'), "example", "user@example.org"])
        {
            if (candidate.Length >= (column.MinLength ?? 0) && candidate.Length <= Math.Max(LongestName, column.MaxLength ?? 0) && Fits(column, candidate))
                return candidate;
        }
        return column.Pattern is null ? new string('a', Math.Max(1, column.MinLength ?? 1)) : PatternSample.Of(column.Pattern);
    }

    private static bool Fits(Column column, string text) =>
        column.Pattern is null || System.Text.RegularExpressions.Regex.IsMatch(
            text, $@"\A(?:{column.Pattern})\z", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1));

    private static JsonObject Kind(Column column) => column.Kind switch
    {
        ColumnKind.Uuid => new JsonObject { ["type"] = "string", ["format"] = "uuid" },
        ColumnKind.Text => Limited(column, new JsonObject { ["type"] = "string" }),
        ColumnKind.Integer => Ranged(column, new JsonObject { ["type"] = "integer", ["format"] = "int32" }),
        ColumnKind.BigInteger => Ranged(column, new JsonObject { ["type"] = "integer", ["format"] = "int64" }),
        ColumnKind.Real => Ranged(column, new JsonObject { ["type"] = "number" }),
        ColumnKind.Boolean => new JsonObject { ["type"] = "boolean" },
        ColumnKind.Enumeration => new JsonObject { ["type"] = "string", ["enum"] = Texts(column.EnumNames) },
        ColumnKind.Json => [],
        ColumnKind.Timestamp => new JsonObject { ["type"] = "string", ["format"] = "date-time" },
        ColumnKind.TextList => List(column, Limited(column, new JsonObject { ["type"] = "string" })),
        ColumnKind.AddressList => List(column, Address()),
        ColumnKind.Address => Address(),
        ColumnKind.Network => new JsonObject { ["type"] = "string", ["x-format"] = "cidr" },
        ColumnKind.HardwareAddress => new JsonObject { ["type"] = "string", ["x-format"] = "mac" },
        ColumnKind.Range => new JsonObject { ["type"] = "string", ["pattern"] = @"^\[-?\d+,-?\d+\)$" },
        _ => Limited(column, new JsonObject { ["type"] = "string" }),
    };

    private static JsonObject Address() => new()
    {
        ["type"] = "string",
        ["anyOf"] = new JsonArray(new JsonObject { ["format"] = "ipv4" }, new JsonObject { ["format"] = "ipv6" }),
    };

    private static JsonObject Password() => new()
    {
        ["type"] = "object",
        ["writeOnly"] = true,
        ["additionalProperties"] = false,
        ["required"] = new JsonArray("password"),
        ["properties"] = new JsonObject
        {
            ["password"] = new JsonObject
            {
                ["type"] = "string",
                ["minLength"] = PasswordRules.MinLength,
                ["maxLength"] = PasswordRules.MaxLength,
            },
            ["current_password"] = new JsonObject
            {
                ["type"] = "string",
                ["description"] = "The present one, from whoever changes their own.",
            },
        },
    };

    private static JsonObject List(Column column, JsonObject items) => new()
    {
        ["type"] = "array",
        ["items"] = items,
        ["maxItems"] = column.MaxItems ?? ValueReader.MaxListLength,
    };

    private static JsonObject Limited(Column column, JsonObject schema)
    {
        if (column.MinLength is > 0 and { } shortest)
            schema["minLength"] = shortest;
        if (column.MaxLength is { } longest)
            schema["maxLength"] = longest;
        if (column.Pattern is { } pattern)
            schema["pattern"] = $"^(?:{pattern})$";
        return schema;
    }

    private static JsonObject Ranged(Column column, JsonObject schema)
    {
        if (column.Minimum is { } minimum)
            schema["minimum"] = minimum;
        if (column.Maximum is { } maximum)
            schema["maximum"] = maximum;
        return schema;
    }

    private static JsonNode? Value(Column column, object value) => column.Kind == ColumnKind.Enumeration
        ? JsonValue.Create(column.EnumName(value))
        : JsonSerializer.SerializeToNode(value, column.Type, RowJson.Options);

    internal static JsonArray Texts(IEnumerable<string> texts)
    {
        var array = new JsonArray();
        foreach (var text in texts)
            array.Add(text);
        return array;
    }
}
