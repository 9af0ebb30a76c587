namespace PonyCloud.Shared.Hosting;

/// <summary>The command line of a daemon: words that say what to do, and options that both daemons know.</summary>
/// <param name="Words">What is no option, such as <c>server</c> or <c>schema apply</c>.</param>
/// <param name="ConfigFile">From <c>--config FILE</c>.</param>
/// <param name="WantsHelp"><c>--help</c> or <c>-h</c>.</param>
/// <param name="WantsVersion"><c>--version</c>.</param>
public sealed record DaemonArguments(IReadOnlyList<string> Words, string? ConfigFile, bool WantsHelp, bool WantsVersion)
{
    /// <exception cref="UsageException">An option is unknown, or lacks its value.</exception>
    public static DaemonArguments Parse(IReadOnlyList<string> arguments)
    {
        var words = new List<string>();
        string? file = null;
        var help = false;
        var version = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            switch (arguments[i])
            {
                case "--config" when i + 1 < arguments.Count:
                    file = arguments[++i];
                    break;
                case "--config":
                    throw new UsageException("--config needs a file.");
                case var text when text.StartsWith("--config=", StringComparison.Ordinal):
                    file = text["--config=".Length..];
                    break;
                case "--help" or "-h":
                    help = true;
                    break;
                case "--version":
                    version = true;
                    break;
                case var text when text.StartsWith('-'):
                    throw new UsageException($"{text} is not an option.");
                case var word:
                    words.Add(word);
                    break;
            }
        }
        return new DaemonArguments(words, file, help, version);
    }
}

/// <summary>The command line is wrong; the message says how.</summary>
public sealed class UsageException(string message) : Exception(message)
{
    /// <summary>EX_USAGE of sysexits.h.</summary>
    public const int ExitCode = 64;
}
