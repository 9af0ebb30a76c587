namespace PonyCloud.Pony.Consoles;

/// <summary>How one connection to a console ended.</summary>
/// <param name="Words">What the server said of it; empty when nothing.</param>
internal sealed record ConsoleEnd(ConsoleEndKind Kind, string Words = "");

internal enum ConsoleEndKind
{
    /// <summary>The person has enough.</summary>
    Detached,

    /// <summary>The connection broke, or the server closed it for now.</summary>
    Broken,

    /// <summary>Whoever looks may no longer.</summary>
    Forbidden,

    /// <summary>The instance is gone.</summary>
    Gone,
}
