using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Changes what is ordered of one row, unless somebody else changed it in between.</summary>
internal static class SetCommand
{
    public static Command Make(GlobalOptions options)
    {
        var path = new Argument<string>("path") { Description = "The row, such as instance/web; or its collection, with the name after it." };
        var values = new Argument<string[]>("field=value") { Description = "What to order: state=running mem=1024.", Arity = ArgumentArity.ZeroOrMore };
        var unset = new Option<string[]>("--unset") { Description = "Take the value of a field away.", HelpName = "FIELD" };
        var force = new Option<bool>("--force") { Description = "Whatever others changed meanwhile." };
        var command = new Command("set", "Change what is ordered of a row: pony set instance web vcpu=2 mem=1024.") { path, values, unset, force };
        options.Act(command, (session, parsed, cancellation) => RunAsync(
            session, parsed.GetValue(path)!, parsed.GetValue(values) ?? [], parsed.GetValue(unset) ?? [], parsed.GetValue(force), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        Session session, string path, string[] values, string[] unset, bool force, CancellationToken cancellation)
    {
        // A name comes before the values, and only there can it be.
        var name = values.Length > 0 && !values[0].Contains('=', StringComparison.Ordinal) ? values[0] : null;
        var row = await new Locator(session).FindRowAsync(path, name, cancellation);
        var wanted = await Assignments.ReadAsync(session, row, values.Skip(name is null ? 0 : 1), cancellation);
        foreach (var field in unset)
        {
            if (!wanted.TryAdd(Assignments.FindField(row.Mount, field).Name, null))
                throw PonyException.Usage($"{field} is given a value and loses it.");
        }
        if (wanted.Count == 0)
            throw PonyException.Usage("Change what? Such as vcpu=2, or --unset cpu_profile.");
        await ChangeAsync(session, row, wanted, force, cancellation);
        return ExitCode.Ok;
    }

    /// <summary>Orders these values of a row, and says what became another.</summary>
    /// <param name="wanted">By field; null takes the value away.</param>
    public static async Task ChangeAsync(Session session, Location row, JsonObject wanted, bool force, CancellationToken cancellation)
    {
        var before = await session.GetAsync(row, cancellation);
        var called = $"{row.Mount.Entity.Name} {Printable.Of(Locator.NameOf(before.Json) ?? row.Key)}";
        if (before.Json["desired"] is not JsonObject desired)
            throw new PonyException(ExitCode.Refused, $"Nothing is ordered of {called}, so nothing can be changed.");
        var operations = new JsonArray();
        var said = new List<string>();
        var fields = new List<string>();
        foreach (var (field, value) in wanted)
        {
            if (JsonNode.DeepEquals(desired[field], value))
                continue;
            operations.Add(value is null
                ? new JsonObject { ["op"] = "remove", ["path"] = $"/desired/{field}" }
                : new JsonObject { ["op"] = "add", ["path"] = $"/desired/{field}", ["value"] = value.DeepClone() });
            fields.Add(field);
            said.Add($"{field} {(desired[field] is null ? "-" : Column.Text(desired[field]))} → {(value is null ? "-" : Column.Text(value))}");
        }
        if (operations.Count == 0)
        {
            Say(session, before, $"{called} is so already");
            return;
        }
        try
        {
            var answer = await session.SendAsync(
                ApiRequest.Patch(row.Path, operations) with { IfMatch = force ? null : before.ETag }, cancellation);
            Say(session, answer, $"{called}: {string.Join(", ", said)}");
        }
        catch (ProblemException exception) when (exception.Problem.Status == 412)
        {
            throw new PonyException(
                ExitCode.Conflict, $"{called} was changed by somebody else just now, so nothing was done. Look again, or say --force.", exception);
        }
        catch (ProblemException exception)
        {
            throw new PonyException(ExitCode.Of(exception.Problem.Status), exception.Problem.Describe(FieldAt), exception);
        }

        string? FieldAt(string pointer) =>
            int.TryParse(pointer.Split('/').ElementAtOrDefault(1), out var index) && index < fields.Count ? fields[index] : null;
    }

    // The answer to an order in a journal may be other than the row.
    private static void Say(Session session, ApiAnswer answer, string text)
    {
        if (session.Format == OutputFormat.Json)
            session.Terminal.Output.WriteLine(answer.Text);
        else if (session.Format == OutputFormat.Yaml)
            Files.YamlWriter.Write(session.Terminal.Output, answer.Json);
        else
            session.Terminal.Output.WriteLine(text);
    }
}
