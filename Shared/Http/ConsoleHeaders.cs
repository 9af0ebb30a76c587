namespace PonyCloud.Shared.Http;

/// <summary>What an answer with the log of a console says beside it. A host says it, and Sparkle passes it on.</summary>
public static class ConsoleHeaders
{
    /// <summary>Where the body begins, counted from the beginning of the log.</summary>
    public const string Offset = "Console-Offset";

    /// <summary>Where the log ended.</summary>
    public const string End = "Console-End";
}
