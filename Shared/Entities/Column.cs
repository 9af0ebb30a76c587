using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PonyCloud.Shared.Entities;

/// <summary>The types that a column can have, the same set in the database, in memory and in JSON.</summary>
public enum ColumnKind
{
    Uuid,
    Text,
    Integer,
    BigInteger,
    Real,
    Boolean,
    Enumeration,
    Json,
    Timestamp,
    TextList,
    AddressList,
    Address,
    Network,
    HardwareAddress,
    Range,
}

/// <summary>
/// One column of one part of an entity, read off a property of the part's record: its name is the property's in
/// snake_case, its limits are the property's data annotations.
/// </summary>
public sealed class Column
{
    private readonly Func<object, object?> _get;
    private readonly Action<object, object?> _set;
    private readonly Dictionary<string, object> _enumValues = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object>.AlternateLookup<ReadOnlySpan<char>> _enumValuesBySpan;
    private readonly Dictionary<object, string> _enumNames = [];
    private readonly Dictionary<object, int> _reaches = [];

    internal Column(PropertyInfo property)
    {
        _enumValuesBySpan = _enumValues.GetAlternateLookup<ReadOnlySpan<char>>();
        Name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
        Type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        Kind = KindOf(property, Type);
        IsNullable = Nullable.GetUnderlyingType(property.PropertyType) is not null
            || (!property.PropertyType.IsValueType && new NullabilityInfoContext().Create(property).WriteState == NullabilityState.Nullable);
        IsRequired = property.IsDefined(typeof(RequiredMemberAttribute));
        References = property.GetCustomAttribute<ReferencesAttribute>()?.Entity;
        var secret = property.GetCustomAttribute<SecretAttribute>();
        IsSecret = secret is not null;
        IsSentToHosts = secret is not { SentToHosts: false };
        IsPassword = property.IsDefined(typeof(PasswordAttribute));
        IsOperatorOnly = property.IsDefined(typeof(OperatorOnlyAttribute));
        IsImmutable = property.IsDefined(typeof(ImmutableAttribute));
        Description = property.GetCustomAttribute<DescriptionAttribute>()?.Description ?? "";
        Pattern = property.GetCustomAttribute<RegularExpressionAttribute>()?.Pattern;
        MaxLength = property.GetCustomAttribute<StringLengthAttribute>()?.MaximumLength;
        MinLength = property.GetCustomAttribute<StringLengthAttribute>()?.MinimumLength;
        MaxItems = property.GetCustomAttribute<MaxLengthAttribute>()?.Length;
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            Minimum = Convert.ToInt64(range.Minimum, CultureInfo.InvariantCulture);
            Maximum = Convert.ToInt64(range.Maximum, CultureInfo.InvariantCulture);
        }
        if (Kind == ColumnKind.Enumeration)
        {
            foreach (var field in Type.GetFields(BindingFlags.Public | BindingFlags.Static))
            {
                var name = field.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
                    ?? JsonNamingPolicy.KebabCaseLower.ConvertName(field.Name);
                var value = field.GetValue(null)!;
                _enumValues.Add(name, value);
                _enumNames.Add(value, name);
                if (field.GetCustomAttribute<LetsGoAttribute>() is { } letsGo)
                    _reaches.Add(value, letsGo.Reach);
            }
        }
        (_get, _set) = Accessors(property);
    }

    /// <summary>The name in the database, in JSON and in the API.</summary>
    public string Name { get; }

    /// <summary>The .NET type of a value that is not null.</summary>
    public Type Type { get; }

    public ColumnKind Kind { get; }

    public bool IsNullable { get; }

    /// <summary>Whoever makes the row must give a value; otherwise the record's own default stands.</summary>
    public bool IsRequired { get; }

    /// <summary>The entity whose primary key this column holds, if any.</summary>
    public string? References { get; }

    /// <summary>Clients write the column and never read it.</summary>
    public bool IsSecret { get; }

    /// <summary>Hosts that the row is sent to get the column.</summary>
    public bool IsSentToHosts { get; }

    public bool IsPassword { get; }

    public bool IsOperatorOnly { get; }

    public bool IsImmutable { get; }

    public string Description { get; }

    public long? Minimum { get; }

    public long? Maximum { get; }

    /// <summary>Of the text, or of each text of a list.</summary>
    public int? MaxLength { get; }

    public int? MinLength { get; }

    /// <summary>The most elements that a list may have.</summary>
    public int? MaxItems { get; }

    /// <summary>A regular expression that the whole text must match.</summary>
    public string? Pattern { get; }

    /// <summary>The allowed texts of an enumeration, in their declared order; empty for other kinds.</summary>
    public IReadOnlyCollection<string> EnumNames => _enumValues.Keys;

    public object? Get(object record) => _get(record);

    /// <summary>Sets a value on a record that nobody else has seen yet; records are immutable once they are shared.</summary>
    public void Set(object record, object? value) => _set(record, value);

    /// <summary>The value of an enumeration's text, or null when the text is not in its list.</summary>
    public object? EnumValue(ReadOnlySpan<char> name) => _enumValuesBySpan.TryGetValue(name, out var value) ? value : null;

    public string EnumName(object value) => _enumNames[value];

    /// <summary>Whether one of its values lets go of something.</summary>
    public bool CanLetGo => _reaches.Count > 0;

    /// <summary>Whether the second record lets go further than the first, in this column.</summary>
    public bool LetsGo(object before, object after) => Reach(after) > Reach(before);

    /// <summary>The text under which a value stands in keys and indexes; null has none.</summary>
    public string? IndexText(object record) => _get(record) switch
    {
        null => null,
        string text => text,
        Guid uuid => uuid.ToString(),
        bool flag => flag ? "true" : "false",
        Enum value => _enumNames[value],
        IFormattable value => value.ToString(null, CultureInfo.InvariantCulture),
        var other => other.ToString(),
    };

    /// <summary>The key of <see cref="IndexText"/> in an index; null has none.</summary>
    internal RowKey? IndexKey(object record) => _get(record) switch
    {
        null => null,
        Guid uuid => RowKey.Of(uuid),
        _ => RowKey.OfValue(IndexText(record)!),
    };

    public override string ToString() => Name;

    private int Reach(object record) => _get(record) is { } value ? _reaches.GetValueOrDefault(value) : 0;

    private static ColumnKind KindOf(PropertyInfo property, Type type) => type switch
    {
        _ when type == typeof(Guid) => ColumnKind.Uuid,
        _ when type == typeof(string) =>
            property.IsDefined(typeof(AddressAttribute)) ? ColumnKind.Address
            : property.IsDefined(typeof(NetworkAttribute)) ? ColumnKind.Network
            : property.IsDefined(typeof(HardwareAddressAttribute)) ? ColumnKind.HardwareAddress
            : ColumnKind.Text,
        _ when type == typeof(int) => ColumnKind.Integer,
        _ when type == typeof(long) => ColumnKind.BigInteger,
        _ when type == typeof(double) => ColumnKind.Real,
        _ when type == typeof(bool) => ColumnKind.Boolean,
        _ when type == typeof(JsonText) => ColumnKind.Json,
        _ when type == typeof(DateTimeOffset) => ColumnKind.Timestamp,
        _ when type == typeof(LongRange) => ColumnKind.Range,
        _ when type == typeof(TextList) =>
            property.IsDefined(typeof(AddressAttribute)) ? ColumnKind.AddressList : ColumnKind.TextList,
        { IsEnum: true } => ColumnKind.Enumeration,
        _ => throw new NotSupportedException($"{property.DeclaringType?.Name}.{property.Name}: no column kind for {type}."),
    };

    private static (Func<object, object?> Get, Action<object, object?> Set) Accessors(PropertyInfo property)
    {
        var record = Expression.Parameter(typeof(object));
        var get = Expression.Lambda<Func<object, object?>>(
            Expression.Convert(Expression.Property(Expression.Convert(record, property.DeclaringType!), property), typeof(object)),
            record).Compile();
        var value = Expression.Parameter(typeof(object));
        var set = Expression.Lambda<Action<object, object?>>(
            Expression.Call(
                Expression.Convert(record, property.DeclaringType!),
                property.SetMethod ?? throw new NotSupportedException($"{property.DeclaringType?.Name}.{property.Name} has no init accessor."),
                Expression.Convert(value, property.PropertyType)),
            record, value).Compile();
        return (get, set);
    }
}
