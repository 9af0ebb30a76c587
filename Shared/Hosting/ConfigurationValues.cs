namespace PonyCloud.Shared.Hosting;

/// <summary>The settings of a daemon, all checked: what the file, the environment and the defaults make together.</summary>
public sealed class ConfigurationValues
{
    private readonly ConfigurationSchema _schema;
    private readonly IReadOnlyDictionary<string, (object Value, string Source)> _values;

    internal ConfigurationValues(ConfigurationSchema schema, IReadOnlyDictionary<string, (object Value, string Source)> values)
    {
        _schema = schema;
        _values = values;
    }

    /// <summary>The text of a key that is set or has a default.</summary>
    /// <exception cref="InvalidOperationException">The key has no value, is of another kind, or is not declared.</exception>
    public string Text(string name) => Get<string>(name);

    public string? TextOrNull(string name) => IsSet(name) ? Get<string>(name) : null;

    public long Integer(string name) => Get<long>(name);

    public double Real(string name) => Get<double>(name);

    public bool Boolean(string name) => Get<bool>(name);

    public TimeSpan Duration(string name) => Get<TimeSpan>(name);

    public IReadOnlyList<string> TextList(string name) => Get<IReadOnlyList<string>>(name);

    /// <summary>Whether the key has a value, be it its default.</summary>
    public bool IsSet(string name) => _values.ContainsKey(Declared(name).Name);

    /// <summary>Where the value comes from: the file, the environment variable, or <c>default</c>.</summary>
    public string SourceOf(string name) => _values[Declared(name).Name].Source;

    private T Get<T>(string name)
    {
        var key = Declared(name);
        if (!_values.TryGetValue(key.Name, out var found))
            throw new InvalidOperationException($"{key.Name} has no value.");
        return found.Value is T value ? value : throw new InvalidOperationException($"{key.Name} is a {key.Kind}, not a {typeof(T).Name}.");
    }

    private ConfigurationKey Declared(string name) =>
        _schema.Find(name) ?? throw new InvalidOperationException($"{name} is not a declared key.");
}
