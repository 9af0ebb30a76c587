using System.CommandLine;
using PonyCloud.Pony.Declaring;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Commands;

/// <summary>Makes what is there what a file says, or says what that would take.</summary>
internal static class ApplyCommands
{
    public static Command Apply(GlobalOptions options)
    {
        var (file, prune) = Arguments();
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask before rows are removed." };
        var command = new Command("apply", "Create and change rows so that they are as a file says, in one transaction.") { file, prune, yes };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var (document, changes) = await PlanAsync(session, parsed.GetValue(file)!, parsed.GetValue(prune), cancellation);
            return await ApplyAsync(session, document, changes, parsed.GetValue(yes), cancellation);
        });
        return command;
    }

    public static Command Diff(GlobalOptions options)
    {
        var (file, prune) = Arguments();
        var command = new Command("diff", "Show what apply would do. Exit code 1 when that is anything. With -o json as the JSON Patch that it would send.") { file, prune };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var (_, changes) = await PlanAsync(session, parsed.GetValue(file)!, parsed.GetValue(prune), cancellation);
            if (session.Format == OutputFormat.Json)
                session.Terminal.Output.WriteLine(JsonText.Write(new PlanPatch(changes).Operations));
            else if (session.Format == OutputFormat.Yaml)
                YamlWriter.Write(session.Terminal.Output, new PlanPatch(changes).Operations);
            else
                PlanPrinter.Write(session.Terminal.Output, changes);
            return changes.Count == 0 ? ExitCode.Ok : ExitCode.Different;
        });
        return command;
    }

    private static (Option<string> File, Option<bool> Prune) Arguments() => (
        new Option<string>("--file", "-f") { Description = "What shall be, in YAML or JSON; - is standard input.", HelpName = "FILE", Required = true },
        new Option<bool>("--prune") { Description = "Remove rows that the file does not name, in the collections that it names." });

    private static async Task<(DocumentFile File, IReadOnlyList<Change> Changes)> PlanAsync(
        Session session, string path, bool prune, CancellationToken cancellation)
    {
        var file = await DocumentFile.ReadAsync(session.Terminal, path, cancellation);
        var changes = await new Planner(session, file, prune).PlanAsync(cancellation);
        session.Progress.Clear();
        return (file, changes);
    }

    private static async Task<int> ApplyAsync(
        Session session, DocumentFile file, IReadOnlyList<Change> changes, bool yes, CancellationToken cancellation)
    {
        var isForPeople = session.Format is OutputFormat.Table or OutputFormat.Name;
        if (changes.Count == 0)
        {
            if (isForPeople)
                session.Terminal.Output.WriteLine("Everything is so already.");
            return ExitCode.Ok;
        }
        if (isForPeople)
            PlanPrinter.Write(session.Terminal.Output, changes);
        if (changes.OfType<Change.Remove>().Any())
            await session.ConfirmAsync(PlanPrinter.Ahead(changes), yes, cancellation);

        var patch = new PlanPatch(changes);
        try
        {
            session.Progress.Show("Writing …");
            var answer = await session.SendAsync(ApiRequest.Patch("/", patch.Operations), cancellation, TenantOf(session, changes));
            session.Progress.Clear();
            if (isForPeople)
                session.Terminal.Output.WriteLine(PlanPrinter.Done(changes));
            else
                session.Terminal.Output.WriteLine(answer.Text);
            return ExitCode.Ok;
        }
        catch (ProblemException exception) when (exception.Problem.Type == "urn:ponycloud:problem:test-failed")
        {
            throw new PonyException(
                ExitCode.Conflict, "Somebody else changed one of these rows just now, so nothing was done. Apply again to see what is left to do.", exception);
        }
        catch (ProblemException exception)
        {
            throw new PonyException(
                ExitCode.Of(exception.Problem.Status),
                exception.Problem.Describe(pointer => patch.Origin(pointer) is { } origin ? file.Where(origin) : null) + "\n  Nothing was done.",
                exception);
        }
    }

    // A member writes with a token for one tenant.
    private static string? TenantOf(Session session, IReadOnlyList<Change> changes)
    {
        if (session.Profile.Alicorn)
            return null;
        var tenants = changes.Select(change => change switch
        {
            Change.Create create => create.Collection.Path,
            Change.Update update => update.Row.Path,
            Change.Remove remove => remove.Row.Path,
            _ => throw new ArgumentOutOfRangeException(nameof(changes)),
        }).Select(path => path.Split('/')).Where(segments => segments is ["", "tenant", _, ..]).Select(segments => segments[2]).Distinct().ToList();
        return tenants.Count > 1
            ? throw PonyException.Usage("The file changes several tenants. A token is for one: make a file for each.")
            : tenants.SingleOrDefault();
    }
}
