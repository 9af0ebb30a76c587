using System.Globalization;

namespace PonyCloud.Shared.Hosting;

/// <summary>What a setting holds.</summary>
public enum ConfigurationKind
{
    Text,
    Integer,
    Real,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Boolean,

    /// <summary>A JSON number of seconds, or a text as <see cref="TimeSpan"/> writes it: <c>00:00:30</c>.</summary>
    Duration,

    /// <summary>A list of texts; in one environment variable separated by commas.</summary>
    TextList,
}

/// <summary>
/// One setting of a daemon: its name with colons between its levels, such as <c>messaging:endpoint</c>, and everything
/// that is needed to check it and to explain it.
/// </summary>
/// <param name="Name">Lower case, levels separated by colons.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Description">For people, in one line.</param>
public sealed record ConfigurationKey(string Name, ConfigurationKind Kind, string Description)
{
    /// <summary>The value when nobody sets the key, written as in the environment; null when there is none.</summary>
    public string? Default { get; init; }

    /// <summary>The daemon does not start without it.</summary>
    public bool IsRequired { get; init; }

    /// <summary>Its value is in no message and no list.</summary>
    public bool IsSecret { get; init; }

    /// <summary>The smallest number, or the shortest time in seconds.</summary>
    public double? Minimum { get; init; }

    /// <summary>The largest number, or the longest time in seconds.</summary>
    public double? Maximum { get; init; }

    /// <summary>The only texts that are allowed; empty allows any.</summary>
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>A further check of the value: what it must be, in words, or null when it is right.</summary>
    public Func<object, string?>? Check { get; init; }

    /// <summary>The value of a text, or what it must be instead.</summary>
    internal (object? Value, string? Problem) Parse(string text)
    {
        object? value = Kind switch
        {
            ConfigurationKind.Text => text,
            ConfigurationKind.Integer => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null,
            ConfigurationKind.Real => Number(text),
            ConfigurationKind.Boolean => bool.TryParse(text, out var flag) ? flag : null,
            ConfigurationKind.Duration => Duration(text),
            _ => (IReadOnlyList<string>)text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        };
        return value is null ? (null, $"must be {Kinds(Kind)}") : Checked(value);
    }

    internal (object? Value, string? Problem) Checked(object value)
    {
        double? size = value switch
        {
            long number => number,
            double number => number,
            TimeSpan time => time.TotalSeconds,
            _ => null,
        };
        if (size < Minimum || size > Maximum)
            return (null, $"must be {Range}");
        if (Choices.Count > 0 && value is string text && !Choices.Contains(text))
            return (null, $"must be one of {string.Join(", ", Choices)}");
        return Check?.Invoke(value) is { } problem ? (null, problem) : (value, null);
    }

    internal static string Kinds(ConfigurationKind kind) => kind switch
    {
        ConfigurationKind.Text => "a text",
        ConfigurationKind.Integer => "a whole number",
        ConfigurationKind.Real => "a number",
        ConfigurationKind.Boolean => "true or false",
        ConfigurationKind.Duration => "a time: seconds, or hh:mm:ss",
        _ => "a list of texts",
    };

    /// <summary>The range in words; empty when there is none.</summary>
    internal string Range
    {
        get
        {
            var unit = Kind == ConfigurationKind.Duration ? " seconds" : "";
            return (Minimum, Maximum) switch
            {
                ({ } low, { } high) => $"from {low} to {high}{unit}",
                ({ } low, null) => $"at least {low}{unit}",
                (null, { } high) => $"at most {high}{unit}",
                _ => "",
            };
        }
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    private static TimeSpan? Duration(string text)
    {
        if (Number(text) is { } seconds)
            return Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
        return TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out var time) ? time : null;
    }
}
