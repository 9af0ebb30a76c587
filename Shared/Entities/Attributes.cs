namespace PonyCloud.Shared.Entities;

/// <summary>The column holds the primary key of a row of another entity.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ReferencesAttribute(string entity) : Attribute
{
    public string Entity { get; } = entity;
}

/// <summary>
/// The column is written and never read back: it is in no answer of the API. A change of a row that does not mention it
/// leaves it as it is, and null removes it. In a current part a host tells it to the controller and to nobody else.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SecretAttribute : Attribute
{
    /// <summary>
    /// The column is in messages between Sparkle and hosts, in whichever direction the part goes; otherwise it stays between
    /// Sparkle and the database.
    /// </summary>
    public bool SentToHosts { get; init; }
}

/// <summary>
/// The column holds a salted password hash. A request writes <c>{"password": "clear text"}</c>, which is hashed before
/// it reaches the database.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PasswordAttribute : Attribute;

/// <summary>Only an operator of the platform (an alicorn) may write the column, whatever the access mode of the mount.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OperatorOnlyAttribute : Attribute;

/// <summary>The column can be given when the row is made and never changes afterwards.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ImmutableAttribute : Attribute;

/// <summary>
/// The value of the enumeration lets go of something. An order to a value that lets go further is taken even while the
/// database is away; every other waits for it.
/// </summary>
/// <param name="reach">How far: from a value without this attribute, or one of less reach, to this one is an order to let go.</param>
[AttributeUsage(AttributeTargets.Field)]
public sealed class LetsGoAttribute(int reach = 1) : Attribute
{
    public int Reach { get; } = reach;
}

/// <summary>The text, or each element of the list, is an IP address without a prefix length (PostgreSQL <c>inet</c>).</summary>
/// <remarks>It, like those below, is kept in the form of <see cref="NetworkText"/>.</remarks>
[AttributeUsage(AttributeTargets.Property)]
public sealed class AddressAttribute : Attribute;

/// <summary>The text is an IP network, an address with a prefix length and no bits beyond it (PostgreSQL <c>cidr</c>).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class NetworkAttribute : Attribute;

/// <summary>The text is a hardware address of six bytes (PostgreSQL <c>macaddr</c>).</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class HardwareAddressAttribute : Attribute;
