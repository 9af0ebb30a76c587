using System.CommandLine;

namespace PonyCloud.Pony.Commands;

/// <summary>Completes command lines in a shell: a script for it, and the command that the script asks.</summary>
internal static class CompletionCommand
{
    // What is typed is taken from the line itself: bash takes words apart at = and :, and replaces only what is behind the last.
    private const string Bash = """
        # Completion of pony in bash. Put this into ~/.bashrc:  source <(pony completion bash)
        _pony() {
          local line=${COMP_LINE:0:COMP_POINT} words=() cut
          read -ra words <<<"$line"
          [[ $line == *[[:space:]] ]] && words+=('')
          mapfile -t COMPREPLY < <(pony __complete -- "${words[@]:1}" 2>/dev/null)
          cut=${words[-1]}
          [[ $COMP_WORDBREAKS == *=* ]] || cut=${cut//=/_}
          [[ $COMP_WORDBREAKS == *:* ]] || cut=${cut//:/_}
          cut=${cut%"${cut##*[=:]}"}
          ((${#cut})) && COMPREPLY=("${COMPREPLY[@]:+${COMPREPLY[@]:0}}") && COMPREPLY=("${COMPREPLY[@]#"$cut"}")
          [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace
          return 0
        }
        complete -o default -F _pony pony
        """;

    public static Command Make(GlobalOptions options)
    {
        var bash = new Command("bash", "For bash: source <(pony completion bash)");
        bash.SetAction(_ =>
        {
            options.Terminal.Output.WriteLine(Bash);
            return ExitCode.Ok;
        });
        return new Command("completion", "Print what makes a shell complete pony's command lines, names included.") { bash };
    }

    /// <summary>What the script asks.</summary>
    public static Command Ask(GlobalOptions options)
    {
        var words = new Argument<string[]>("word") { Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("__complete", "Say what the last of these words could become.") { words };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            var typed = parsed.GetValue(words) ?? [];
            foreach (var candidate in await new Completion(options).FindAsync(typed, cancellation))
                options.Terminal.Output.WriteLine(candidate);
            return ExitCode.Ok;
        });
        return command;
    }
}
