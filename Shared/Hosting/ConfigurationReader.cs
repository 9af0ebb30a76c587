using System.Globalization;
using System.Text.Json;

namespace PonyCloud.Shared.Hosting;

/// <summary>The settings are wrong. The message has a line for every mistake, each with its key and where it stands.</summary>
public sealed class ConfigurationException(IReadOnlyList<string> problems)
    : Exception("The configuration is wrong:\n" + string.Join('\n', problems.Select(problem => "  " + problem)))
{
    /// <summary>The exit code of a daemon that refuses its configuration (EX_CONFIG of sysexits.h).</summary>
    public const int ExitCode = 78;

    public IReadOnlyList<string> Problems { get; } = problems;
}

/// <summary>
/// Reads and checks the settings of a daemon: defaults, overridden by a JSON file, overridden by environment variables.
/// All mistakes are found before anything is reported.
/// </summary>
public sealed class ConfigurationReader
{
    private readonly ConfigurationSchema _schema;
    private readonly Dictionary<string, (object Value, string Source)> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _wrong = new(StringComparer.Ordinal);
    private readonly List<string> _problems = [];

    private ConfigurationReader(ConfigurationSchema schema) => _schema = schema;

    /// <param name="schema">The keys of the daemon.</param>
    /// <param name="file">The JSON file (comments and trailing commas allowed), or null for none.</param>
    /// <param name="environment">The variables of the process; those without the schema's prefix are ignored.</param>
    /// <exception cref="ConfigurationException">Something is wrong.</exception>
    public static ConfigurationValues Read(
        ConfigurationSchema schema, string? file, IEnumerable<KeyValuePair<string, string>> environment)
    {
        var reader = new ConfigurationReader(schema);
        if (file is not null)
            reader.ReadFile(file);
        reader.ReadEnvironment(environment);
        reader.AddDefaults();
        return reader._problems.Count == 0
            ? new ConfigurationValues(schema, reader._values)
            : throw new ConfigurationException(reader._problems);
    }

    /// <summary>The variables of this process, for <see cref="Read"/>.</summary>
    public static IEnumerable<KeyValuePair<string, string>> ProcessEnvironment() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>()
            .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? ""));

    private void ReadFile(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(
                File.ReadAllText(file),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                ReadLevel(document.RootElement, "", file);
            else
                _problems.Add($"{file}: must be a JSON object");
        }
        catch (JsonException error)
        {
            _problems.Add($"{file}:{error.LineNumber + 1}: is not JSON: {Reason(error)}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _problems.Add($"{file}: cannot be read: {error.Message}");
        }
    }

    private void ReadLevel(JsonElement level, string prefix, string file)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in level.EnumerateObject())
        {
            var name = prefix + property.Name;
            if (!seen.Add(property.Name))
                _problems.Add($"{name}: stands twice (in {file})");
            else if (property.Value.ValueKind == JsonValueKind.Null && _schema.Find(name) is not null)
                continue; // Written out, and not set.
            else if (_schema.Find(name) is { } key)
                Take(key, FromJson(key, property.Value), file);
            else if (!_schema.IsLevel(name))
                _problems.Add($"{name}: is not a known key (in {file})");
            else if (property.Value.ValueKind == JsonValueKind.Object)
                ReadLevel(property.Value, name + ":", file);
            else
                _problems.Add($"{name}: must be an object (in {file})");
        }
    }

    private void ReadEnvironment(IEnumerable<KeyValuePair<string, string>> environment)
    {
        var byVariable = _schema.Keys.ToDictionary(_schema.VariableOf, StringComparer.Ordinal);
        foreach (var (variable, text) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith(_schema.EnvironmentPrefix, StringComparison.Ordinal))
                continue;
            // Shells cannot export names with other characters, but people write them in either case.
            if (byVariable.TryGetValue(variable.ToUpperInvariant(), out var key))
                Take(key, key.Parse(text), variable);
            else
                _problems.Add($"{NameOf(variable)}: is not a known key (in {variable})");
        }
    }

    private void AddDefaults()
    {
        foreach (var key in _schema.Keys)
        {
            if (_values.ContainsKey(key.Name) || _wrong.Contains(key.Name))
                continue;
            if (key.IsRequired)
                _problems.Add($"{key.Name}: is required (set it in the file, or {_schema.VariableOf(key)})");
            else if (key.Default is { } text)
                _values.Add(key.Name, (key.Parse(text).Value!, "default"));
        }
    }

    private void Take(ConfigurationKey key, (object? Value, string? Problem) result, string source)
    {
        if (result.Problem is { } problem)
        {
            _wrong.Add(key.Name);
            _problems.Add($"{key.Name}: {problem} (in {source})");
        }
        else
        {
            _values[key.Name] = (result.Value!, source);
        }
    }

    private static (object? Value, string? Problem) FromJson(ConfigurationKey key, JsonElement element) => (key.Kind, element.ValueKind) switch
    {
        (ConfigurationKind.Text, JsonValueKind.String) => key.Checked(element.GetString()!),
        (ConfigurationKind.Duration, JsonValueKind.String) => key.Parse(element.GetString()!),
        (ConfigurationKind.Integer, JsonValueKind.Number) when element.TryGetInt64(out var number) => key.Checked(number),
        (ConfigurationKind.Real or ConfigurationKind.Duration, JsonValueKind.Number) => key.Parse(element.GetRawText()),
        (ConfigurationKind.Boolean, JsonValueKind.True or JsonValueKind.False) => key.Checked(element.GetBoolean()),
        (ConfigurationKind.TextList, JsonValueKind.Array) when element.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) =>
            key.Checked((IReadOnlyList<string>)[.. element.EnumerateArray().Select(item => item.GetString()!)]),
        _ => (null, $"must be {ConfigurationKey.Kinds(key.Kind)}"),
    };

    private string NameOf(string variable) =>
        variable[_schema.EnvironmentPrefix.Length..].Replace("__", ":", StringComparison.Ordinal).ToLower(CultureInfo.InvariantCulture);

    /// <summary>The parser's message without the position, which stands before it already.</summary>
    private static string Reason(JsonException error)
    {
        var end = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? error.Message : error.Message[..end];
    }
}
