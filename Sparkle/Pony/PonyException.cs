namespace PonyCloud.Pony;

/// <summary>Ends a command: the message goes to standard error as it is, and the code becomes the exit code.</summary>
internal sealed class PonyException(int code, string message, Exception? cause = null) : Exception(message, cause)
{
    public int Code { get; } = code;

    public static PonyException Usage(string message) => new(ExitCode.Usage, message);
}
