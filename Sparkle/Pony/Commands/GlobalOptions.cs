using System.CommandLine;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Profiles;

namespace PonyCloud.Pony.Commands;

/// <summary>What every command takes, and how a command is run with it.</summary>
internal sealed class GlobalOptions(Terminal terminal)
{
    public Terminal Terminal { get; } = terminal;

    public Option<string?> Profile { get; } = new("--profile")
    {
        Description = "Which login to use; PONY_PROFILE, or the one that pony use chose.",
        HelpName = "NAME",
        Recursive = true,
    };

    public Option<string?> Tenant { get; } = new("--tenant", "-t")
    {
        Description = "Which tenant is meant, by name or uuid; PONY_TENANT, or the one that pony use chose.",
        HelpName = "NAME",
        Recursive = true,
    };

    public Option<OutputFormat> Output { get; } = new("--output", "-o")
    {
        Description = "table for people; json is exactly what the API answers; name is one name a line.",
        HelpName = "table|json|yaml|name",
        Recursive = true,
        DefaultValueFactory = _ => OutputFormat.Table,
        CustomParser = result =>
        {
            var text = result.Tokens[^1].Value;
            if (Enum.TryParse<OutputFormat>(text, ignoreCase: true, out var format) && !char.IsAsciiDigit(text[0]))
                return format;
            result.AddError($"There is no output \"{text}\": table, json, yaml or name.");
            return default;
        },
    };

    /// <summary>Gives a command what it does.</summary>
    public void Act(Command command, Func<Session, ParseResult, CancellationToken, Task<int>> act) =>
        command.SetAction(async (parsed, cancellation) =>
        {
            using var session = Open(parsed);
            return await act(session, parsed, cancellation);
        });

    /// <summary>A session for what the command line says.</summary>
    public Session Open(ParseResult parsed)
    {
        var store = ProfileStore.Of(Terminal.Variable);
        return new Session(
            Terminal,
            store,
            NonEmpty(parsed.GetValue(Profile)) ?? NonEmpty(Terminal.Variable("PONY_PROFILE")) ?? store.Current,
            NonEmpty(parsed.GetValue(Tenant)),
            parsed.GetValue(Output));
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
