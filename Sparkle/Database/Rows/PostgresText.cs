using System.Globalization;
using System.Text;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Database.Rows;

/// <summary>
/// Column values as PostgreSQL writes and reads them in text form. Loads, the change stream and writes all go through here,
/// so a value is the same record value whichever way it came.
/// </summary>
/// <remarks>The session must have DateStyle ISO and the time zone UTC.</remarks>
public static class PostgresText
{
    // Values that nearly every row has are boxed once.
    private static readonly object True = true;
    private static readonly object False = false;
    private static readonly object[] SmallIntegers = [.. Enumerable.Range(0, 256).Select(value => (object)value)];

    /// <summary>The type of the column in the database.</summary>
    public static string TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Uuid => "uuid",
        ColumnKind.Text or ColumnKind.Enumeration => "text",
        ColumnKind.Integer => "integer",
        ColumnKind.BigInteger => "bigint",
        ColumnKind.Real => "double precision",
        ColumnKind.Boolean => "boolean",
        ColumnKind.Json => "json",
        ColumnKind.Timestamp => "timestamp with time zone",
        ColumnKind.TextList => "text[]",
        ColumnKind.AddressList => "inet[]",
        ColumnKind.Address => "inet",
        ColumnKind.Network => "cidr",
        ColumnKind.HardwareAddress => "macaddr",
        ColumnKind.Range => "int8range",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <exception cref="FormatException">The text is no value of the column.</exception>
    public static object Parse(Column column, ReadOnlySpan<char> text)
    {
        try
        {
            return column.Kind switch
            {
                ColumnKind.Uuid => Guid.Parse(text),
                ColumnKind.Text => text.ToString(),
                ColumnKind.Enumeration => column.EnumValue(text) ?? throw new FormatException("It is not in the list."),
                ColumnKind.Integer => Boxed(int.Parse(text, CultureInfo.InvariantCulture)),
                ColumnKind.BigInteger => long.Parse(text, CultureInfo.InvariantCulture),
                ColumnKind.Real => double.Parse(text, CultureInfo.InvariantCulture),
                ColumnKind.Boolean => text is "t" or "true" ? True : False,
                ColumnKind.Json => JsonText.Parse(text.ToString()),
                ColumnKind.Timestamp => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).ToUniversalTime(),
                ColumnKind.TextList => text is "{}" ? TextList.Empty : TextList.Of(ParseArray(text)),
                ColumnKind.AddressList => text is "{}" ? TextList.Empty : TextList.Of(ParseArray(text).Select(ParseAddress)),
                ColumnKind.Address => ParseAddress(text.ToString()),
                ColumnKind.Network => NetworkText.Network(text.ToString(), out _) ?? throw new FormatException("It is no network."),
                ColumnKind.HardwareAddress => NetworkText.HardwareAddress(text.ToString()) ?? throw new FormatException("It is no hardware address."),
                ColumnKind.Range => LongRange.Parse(text.ToString()),
                _ => throw new FormatException($"There is no text form of {column.Kind}."),
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException or System.Text.Json.JsonException)
        {
            // The value itself stays out of the message: it may be a secret.
            throw new FormatException($"The database holds a value of {column.Name} that this version does not understand.", e);
        }
    }

    /// <summary>The text that, cast to <see cref="TypeOf"/>, is the value; null for null.</summary>
    public static string? Format(Column column, object? value) => value switch
    {
        null => null,
        Enum => column.EnumName(value),
        bool flag => flag ? "true" : "false",
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff'+00'", CultureInfo.InvariantCulture),
        JsonText json => json.Text,
        TextList list => FormatArray(list),
        LongRange range => range.ToString(),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => (string)value,
    };

    /// <summary>The value as the database gives it back: times have microseconds, addresses their shortest form.</summary>
    public static object? Stored(Column column, object? value) =>
        Format(column, value) is { } text ? Parse(column, text) : null;

    private static object Boxed(int value) => (uint)value < (uint)SmallIntegers.Length ? SmallIntegers[value] : value;

    // Cast to text, an address has its prefix length behind it; written as it is, it has not.
    private static string ParseAddress(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var isHost = slash < 0 || text[slash..] == (text.Contains(':', StringComparison.Ordinal) ? "/128" : "/32");
        return (isHost ? NetworkText.Address(slash < 0 ? text : text[..slash]) : null) ?? throw new FormatException("It is no address.");
    }

    private static string FormatArray(IEnumerable<string> items)
    {
        var text = new StringBuilder("{");
        foreach (var item in items)
        {
            if (text.Length > 1)
                text.Append(',');
            text.Append('"').Append(item.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }
        return text.Append('}').ToString();
    }

    private static List<string> ParseArray(ReadOnlySpan<char> text)
    {
        // An array whose first index is not 1 has its bounds in front: [0:1]={a,b}.
        var at = text.StartsWith('[') ? text.IndexOf('=') + 1 : 0;
        var items = new List<string>();
        if (at >= text.Length || text[at] != '{')
            throw new FormatException("It is no array.");
        at++;
        if (at < text.Length && text[at] == '}')
            return items;
        var item = new StringBuilder();
        while (true)
        {
            item.Clear();
            var quoted = at < text.Length && text[at] == '"';
            if (quoted)
                at++;
            for (; ; at++)
            {
                if (at >= text.Length)
                    throw new FormatException("The array does not end.");
                if (quoted ? text[at] == '"' : text[at] is ',' or '}')
                    break;
                if (text[at] == '\\')
                    at++;
                else if (!quoted && text[at] == '{')
                    throw new FormatException("The array is nested.");
                if (at < text.Length)
                    item.Append(text[at]);
            }
            if (!quoted && item.Equals("NULL"))
                throw new FormatException("The array holds a null.");
            items.Add(item.ToString());
            if (quoted)
                at++;
            if (at >= text.Length)
                throw new FormatException("The array does not end.");
            if (text[at] == '}')
                return items;
            at++;
        }
    }
}
