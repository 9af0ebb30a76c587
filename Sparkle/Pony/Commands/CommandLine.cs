using System.CommandLine;
using System.CommandLine.Parsing;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Commands;

/// <summary>All commands, and what becomes of whatever goes wrong in one.</summary>
internal static class CommandLine
{
    public static RootCommand Make(GlobalOptions options)
    {
        var root = new RootCommand($"""
            The command line of PonyCloud.

            Begin with:
              pony login --server https://cloud.example:9860 you@example.com
              pony get instance

            {ExitCode.Explanation}
            """)
        {
            options.Profile,
            options.Tenant,
            options.Output,
            LoginCommand.Make(options),
            LogoutCommand.Make(options),
            UseCommand.Make(options),
            GetCommand.Make(options),
            CreateCommand.Make(options),
            SetCommand.Make(options),
            DeleteCommand.Make(options),
            ApplyCommands.Apply(options),
            ApplyCommands.Diff(options),
            WatchCommand.Make(options),
            OrderCommands.Start(options),
            OrderCommands.Pause(options),
            OrderCommands.Stop(options),
            OrderCommands.Host(options),
            MigrateCommand.Make(options),
            VolumeCommands.Make(options),
            ConsoleCommand.Make(options),
            CompletionCommand.Make(options),
            CompletionCommand.Ask(options),
        };
        return root;
    }

    /// <summary>Runs a command.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            // A file of arguments, @file, is for compilers; names may well begin with @.
            var parsed = Make(new GlobalOptions(terminal)).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
            var errors = parsed.Errors.Select(error => error.Message).Concat(UnknownOptions(parsed)).ToList();
            if (errors.Count > 0)
            {
                foreach (var error in errors)
                    terminal.Error.WriteLine("pony: " + Printable.Lines(error));
                var command = parsed.CommandResult.Command;
                terminal.Error.WriteLine($"pony: see pony {(command is RootCommand ? "" : command.Name + " ")}--help");
                return ExitCode.Usage;
            }
            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = terminal.Output,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellation);
        }
        catch (PonyException exception)
        {
            return Fail(terminal, exception.Code, exception.Message);
        }
        catch (ProblemException exception)
        {
            return Fail(terminal, ExitCode.Of(exception.Problem.Status), exception.Problem.Describe());
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return Fail(terminal, ExitCode.Interrupted, "interrupted");
        }
        catch (IOException exception)
        {
            // Such as a pager that was closed, or a disk that is full.
            return Fail(terminal, ExitCode.Internal, exception.Message);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Its own text may quote anything, and a trace says nothing to whoever typed the command.
            return Fail(terminal, ExitCode.Internal, $"pony failed: {exception.GetType().Name}. Please report what you typed.");
        }
    }

    // The parser takes an option that it does not know for a name; whoever has such a name writes -- before it.
    private static IEnumerable<string> UnknownOptions(ParseResult parsed) =>
        parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)
            .Where(token => token.Type == TokenType.Argument && token.Value.Length > 1 && token.Value[0] == '-' && !char.IsAsciiDigit(token.Value[1]))
            .Select(token => $"There is no option {token.Value} here.");

    private static int Fail(Terminal terminal, int code, string message)
    {
        terminal.Error.WriteLine("pony: " + Printable.Lines(message));
        return code;
    }
}
