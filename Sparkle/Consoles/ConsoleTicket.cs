using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>What of an instance somebody wants to see.</summary>
public enum ConsoleType
{
    /// <summary>Its serial port.</summary>
    Serial,

    /// <summary>Its screen.</summary>
    Vnc,
}

/// <summary>The right to open one console once.</summary>
/// <param name="Token">With which it was asked for; what that is worth is asked again while the console is open.</param>
internal sealed record ConsoleTicket(ResourcePath Resource, Guid Instance, ConsoleType Type, string Token, DateTimeOffset TokenExpires)
{
    public string Tenant => Resource.Tenant!;

    /// <summary>Without the token, so that no log has it.</summary>
    public override string ToString() => $"{Type} of instance {Instance}";
}
