using System.Globalization;
using System.Text.Json;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>What <c>nft -j list</c> says (libnftables-json(5)).</summary>
internal static class NftListing
{
    private const string Root = "nftables";

    public static AppliedRules Table(string json)
    {
        var sets = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        var chains = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        using var document = JsonDocument.Parse(json);
        foreach (var entry in document.RootElement.GetProperty(Root).EnumerateArray())
        {
            if (entry.TryGetProperty("chain", out var chain))
                chains[Name(chain)] = [];
            else if (entry.TryGetProperty("set", out var found) || entry.TryGetProperty("map", out found))
                sets.Add(Name(found), Elements(found).ToDictionary(element => element.Key, element => element.Value, StringComparer.Ordinal));
            else if (entry.TryGetProperty("rule", out var rule))
                chains[rule.GetProperty("chain").GetString()!].Add(rule.TryGetProperty("comment", out var comment) ? comment.GetString()! : "?");
        }
        return new AppliedRules(sets, chains.ToDictionary(chain => chain.Key, chain => string.Join(' ', chain.Value), StringComparer.Ordinal));
    }

    /// <summary>Packets by element of a set with counters.</summary>
    public static IEnumerable<KeyValuePair<string, long>> Counters(string json)
    {
        using var document = JsonDocument.Parse(json);
        return
        [
            .. from entry in document.RootElement.GetProperty(Root).EnumerateArray()
               where entry.TryGetProperty("set", out _)
               from element in Listed(entry.GetProperty("set"))
               let inner = element.GetProperty("elem")
               select KeyValuePair.Create(inner.GetProperty("val").GetString()!, inner.GetProperty("counter").GetProperty("packets").GetInt64()),
        ];
    }

    private static string Name(JsonElement entry) => entry.GetProperty("name").GetString()!;

    private static List<JsonElement> Listed(JsonElement set) => set.TryGetProperty("elem", out var elements) ? [.. elements.EnumerateArray()] : [];

    private static IEnumerable<(string Key, string Value)> Elements(JsonElement set)
    {
        var isMap = set.TryGetProperty("map", out _);
        foreach (var element in Listed(set))
            yield return isMap ? (Key(element[0]), Value(element[1])) : (Key(element), "");
    }

    private static string Key(JsonElement key)
    {
        if (key.ValueKind == JsonValueKind.Object && key.TryGetProperty("elem", out var inner))
            return Key(inner.GetProperty("val"));
        return key.ValueKind == JsonValueKind.Object && key.TryGetProperty("concat", out var parts)
            ? string.Join(" . ", parts.EnumerateArray().Select(Word))
            : Word(key);
    }

    private static string Word(JsonElement word)
    {
        if (word.ValueKind != JsonValueKind.String)
            return word.GetRawText();
        var text = word.GetString()!;
        if (text.StartsWith("0x", StringComparison.Ordinal))
            return text[2..].TrimStart('0') is { Length: > 0 } digits ? $"0x{digits.ToLower(CultureInfo.InvariantCulture)}" : "0x0";
        return NetworkText.Address(text) ?? NetworkText.HardwareAddress(text) ?? $"\"{text}\"";
    }

    private static string Value(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return value.GetRawText();
        var verdict = value.EnumerateObject().First();
        return verdict.Value.ValueKind == JsonValueKind.Object ? $"{verdict.Name} {verdict.Value.GetProperty("target").GetString()}" : verdict.Name;
    }
}
