using System.Text;

namespace PonyCloud.Shared.Hosting;

/// <summary>All settings of a daemon. Whatever is not in it is an error, so that a typing mistake is never a default.</summary>
public sealed class ConfigurationSchema
{
    private readonly Dictionary<string, ConfigurationKey> _byName = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="environmentPrefix">Of the variables that override keys, such as <c>SPARKLE_</c>.</param>
    /// <param name="keys">The keys, in the order in which people should read them.</param>
    /// <exception cref="ArgumentException">Two keys have one name, or a key is another's level, or a default is not valid.</exception>
    public ConfigurationSchema(string environmentPrefix, IEnumerable<ConfigurationKey> keys)
    {
        EnvironmentPrefix = environmentPrefix;
        Keys = [.. keys];
        foreach (var key in Keys)
        {
            if (!_byName.TryAdd(key.Name, key))
                throw new ArgumentException($"The key {key.Name} is declared twice.", nameof(keys));
            if (key.Default is { } text && key.Parse(text) is (_, { } problem))
                throw new ArgumentException($"The default of {key.Name} {problem}.", nameof(keys));
        }
        foreach (var key in Keys)
        {
            if (Keys.Any(other => other.Name.StartsWith(key.Name + ":", StringComparison.OrdinalIgnoreCase)))
                throw new ArgumentException($"The key {key.Name} is also a level of others.", nameof(keys));
        }
    }

    public string EnvironmentPrefix { get; }

    public IReadOnlyList<ConfigurationKey> Keys { get; }

    public ConfigurationKey? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The variable that overrides a key: <c>SPARKLE_MESSAGING__ENDPOINT</c>.</summary>
    public string VariableOf(ConfigurationKey key) =>
        EnvironmentPrefix + key.Name.Replace(":", "__", StringComparison.Ordinal).Replace('-', '_').ToUpperInvariant();

    /// <summary>Whether keys lie below this name.</summary>
    internal bool IsLevel(string name) => Keys.Any(key => key.Name.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase));

    /// <summary>The list of keys, for <c>--help</c>.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        foreach (var key in Keys)
        {
            text.Append("  ").AppendLine(key.Name);
            text.Append("      ").AppendLine(key.Description);
            text.Append("      ").Append(ConfigurationKey.Kinds(key.Kind));
            if (key.Range.Length > 0)
                text.Append(' ').Append(key.Range);
            if (key.Choices.Count > 0)
                text.Append(": ").AppendJoin(", ", key.Choices);
            text.Append(key.IsRequired ? "; required" : key.IsSecret || key.Default is null ? "" : $"; default {key.Default}");
            text.Append("; ").AppendLine(VariableOf(key));
        }
        return text.ToString();
    }
}
