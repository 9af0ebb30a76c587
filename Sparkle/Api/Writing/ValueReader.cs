using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Makes a column's value of JSON, or says what is wrong with it.</summary>
internal sealed partial class ValueReader
{
    private const int MaxTextLength = 65_536;
    internal const int MaxListLength = 1024;

    // Compiled once each; the patterns are the catalog's, so there are few.
    private readonly ConcurrentDictionary<string, Regex> _patterns = new(StringComparer.Ordinal);

    /// <returns>The value; null for JSON's null, and when an error was reported.</returns>
    public object? Read(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token.Type == JTokenType.Null)
        {
            if (!column.IsNullable)
                scope.Fail(pointer, ProblemKind.NullField, $"{column.Name} cannot be null.");
            return null;
        }
        switch (column.Kind)
        {
            case ColumnKind.Uuid:
                return ReadUuid(column, token, pointer, scope);
            case ColumnKind.Text:
                return ReadText(column, token, pointer, scope);
            case ColumnKind.Integer:
            case ColumnKind.BigInteger:
                return ReadInteger(column, token, pointer, scope);
            case ColumnKind.Real:
                return token.Type is JTokenType.Integer or JTokenType.Float
                    ? InRange(column, token.Value<double>(), pointer, scope)
                    : Wrong(column, "a number", pointer, scope);
            case ColumnKind.Boolean:
                return token.Type == JTokenType.Boolean ? token.Value<bool>() : Wrong(column, "true or false", pointer, scope);
            case ColumnKind.Enumeration:
                return ReadEnumeration(column, token, pointer, scope);
            case ColumnKind.Json:
                return JsonText.Parse(token.ToString(Formatting.None));
            case ColumnKind.Timestamp:
                return ReadTimestamp(column, token, pointer, scope);
            case ColumnKind.TextList:
            case ColumnKind.AddressList:
                return ReadList(column, token, pointer, scope);
            case ColumnKind.Address:
            case ColumnKind.Network:
            case ColumnKind.HardwareAddress:
                return token is JValue { Value: string text }
                    ? ReadAddress(column, text, pointer, scope)
                    : Wrong(column, "a text", pointer, scope);
            case ColumnKind.Range:
                return ReadRange(column, token, pointer, scope);
            default:
                throw new NotSupportedException($"No JSON form for {column.Kind}.");
        }
    }

    private static object? ReadUuid(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JValue { Value: string text })
            return Wrong(column, "a text", pointer, scope);
        if (column.References is { } entity && scope.Names.TryGetValue(text, out var named) && named.Entity.Name == entity)
            text = named.Key;
        if (Guid.TryParseExact(text, "D", out var uuid))
            return uuid;
        scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} must be a uuid, such as 2f6c1f0e-3a55-4c5e-9d61-0a3c8e1b7f42.");
        return null;
    }

    private object? ReadText(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JValue { Value: string text })
            return Wrong(column, "a text", pointer, scope);
        if (column.References is { } entity && scope.Names.TryGetValue(text, out var named) && named.Entity.Name == entity)
            text = named.Key;
        return IsGood(column, text, pointer, scope) ? text : null;
    }

    private bool IsGood(Column column, string text, string pointer, WriteScope scope)
    {
        var max = column.MaxLength ?? MaxTextLength;
        var min = column.MinLength ?? 0;
        if (text.Length < min || text.Length > max)
        {
            scope.Fail(pointer, ProblemKind.OutOfRange, $"{column.Name} has {min} to {max} characters.");
            return false;
        }
        if (column.Pattern is { } pattern && !Matches(pattern, text))
        {
            scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} must match {pattern}.");
            return false;
        }
        return true;
    }

    // \z, since $ alone would let a line feed pass at the end.
    private bool Matches(string pattern, string text) => _patterns.GetOrAdd(pattern, static pattern =>
        new Regex($@"\A(?:{pattern})\z", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1))).IsMatch(text);

    private static object? ReadInteger(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is JValue { Value: decimal or double } number && IsWhole(number.Value))
        {
            scope.Fail(pointer, ProblemKind.OutOfRange, $"{column.Name} is too large.");
            return null;
        }
        if (token is not JValue { Value: long value })
            return Wrong(column, "a whole number", pointer, scope);
        if (column.Kind == ColumnKind.Integer && value is < int.MinValue or > int.MaxValue && column.Minimum is null)
        {
            scope.Fail(pointer, ProblemKind.OutOfRange, $"{column.Name} must be between {int.MinValue} and {int.MaxValue}.");
            return null;
        }
        if (InRange(column, value, pointer, scope) is null)
            return null;
        return column.Kind == ColumnKind.Integer ? (object)(int)value : value;
    }

    // Whole numbers that fit 64 bits were read as such; what is whole and is none of them is too large.
    private static bool IsWhole(object? value) => value switch
    {
        decimal number => Math.Abs(number) >= long.MaxValue,
        double number => Math.Abs(number) >= long.MaxValue,
        _ => false,
    };

    private static object? InRange<T>(Column column, T value, string pointer, WriteScope scope)
        where T : struct, IConvertible
    {
        var number = value.ToDouble(CultureInfo.InvariantCulture);
        if (!(number < column.Minimum) && !(number > column.Maximum))
            return value;
        scope.Fail(pointer, ProblemKind.OutOfRange, $"{column.Name} must be between {column.Minimum} and {column.Maximum}.");
        return null;
    }

    private static object? ReadEnumeration(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JValue { Value: string text })
            return Wrong(column, "a text", pointer, scope);
        if (column.EnumValue(text) is { } value)
            return value;
        scope.Fail(pointer, ProblemKind.NotInList, $"{column.Name} must be one of {string.Join(", ", column.EnumNames)}.");
        return null;
    }

    private static object? ReadTimestamp(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JValue { Value: string text })
            return Wrong(column, "a text", pointer, scope);
        if (Rfc3339().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
            return time.ToUniversalTime();
        scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} must be a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z.");
        return null;
    }

    private static object? ReadRange(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JValue { Value: string text })
            return Wrong(column, "a text", pointer, scope);
        if (LongRange.TryParse(text, out var range))
            return range;
        scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} must be a range [first,behind the last) of whole numbers, such as [0,1024).");
        return null;
    }

    private object? ReadList(Column column, JToken token, string pointer, WriteScope scope)
    {
        if (token is not JArray array)
            return Wrong(column, "a list of texts", pointer, scope);
        var most = column.MaxItems ?? MaxListLength;
        if (array.Count > most)
        {
            scope.Fail(pointer, ProblemKind.OutOfRange, $"{column.Name} has at most {most} elements.");
            return null;
        }
        var before = scope.Errors.Count;
        var items = new List<string>(array.Count);
        for (var i = 0; i < array.Count; i++)
        {
            var place = $"{pointer}/{i}";
            if (array[i] is not JValue { Value: string text })
                Wrong(column, "a list of texts", place, scope);
            else if (column.Kind == ColumnKind.AddressList)
                items.Add(ReadAddress(column, text, place, scope) ?? text);
            else if (IsGood(column, text, place, scope))
                items.Add(text);
        }
        return scope.Errors.Count == before ? TextList.Of(items) : null;
    }

    private static string? ReadAddress(Column column, string text, string pointer, WriteScope scope)
    {
        var isMasked = true;
        var (form, what) = column.Kind switch
        {
            ColumnKind.Network => (NetworkText.Network(text, out isMasked), "an IP network, such as 192.0.2.0/24 or 2001:db8::/64"),
            ColumnKind.HardwareAddress => (NetworkText.HardwareAddress(text), "a hardware address, such as 52:54:00:12:34:56"),
            _ => (NetworkText.Address(text), "an IP address, such as 192.0.2.1 or 2001:db8::1"),
        };
        if (form is null)
            scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} must be {what}.");
        else if (!isMasked)
            scope.Fail(pointer, ProblemKind.BadFormat, $"{column.Name} has bits beyond its prefix; the network is {form}.");
        else
            return form;
        return null;
    }

    private static object? Wrong(Column column, string what, string pointer, WriteScope scope)
    {
        scope.Fail(pointer, ProblemKind.WrongType, $"{column.Name} must be {what}.");
        return null;
    }

    [GeneratedRegex(@"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Rfc3339();
}
