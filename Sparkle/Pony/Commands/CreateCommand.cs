using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Makes a row, with its children when a file has some.</summary>
internal static class CreateCommand
{
    // The member of a new row.
    private const string Template = "template";

    public static Command Make(GlobalOptions options)
    {
        var path = new Argument<string>("path") { Description = "The collection: instance, host, instance/web/vnic." };
        var name = new Argument<string?>("name") { Description = "The new row's name, or its key where it has none.", Arity = ArgumentArity.ZeroOrOne };
        var set = new Option<string[]>("--set", "-s") { Description = "A field of the new row: --set mem=512 --set state=running.", HelpName = "FIELD=VALUE" };
        var file = new Option<string?>("--file", "-f") { Description = "The row in YAML or JSON: desired, and children if it has some; - is standard input.", HelpName = "FILE" };
        var template = new Option<string?>("--template") { Description = "Of an instance: the template that it is made from, with its disks and cards.", HelpName = "NAME" };
        var command = new Command("create", "Make a row.") { path, name, set, file, template };
        options.Act(command, (session, parsed, cancellation) => RunAsync(
            session, parsed.GetValue(path)!, parsed.GetValue(name), parsed.GetValue(set) ?? [], parsed.GetValue(file), parsed.GetValue(template), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        Session session, string path, string? name, string[] set, string? fileName, string? template, CancellationToken cancellation)
    {
        var collection = await new Locator(session).FindAsync(path, cancellation);
        var mount = collection.Mount;
        if (collection.IsRow)
            throw PonyException.Usage($"{Printable.Of(path)} is a {mount.Entity.Name} that is there already.");
        var file = fileName is null ? null : await DocumentFile.ReadAsync(session.Terminal, fileName, cancellation);
        var row = file?.Root ?? [];
        if (row["desired"] is not (null or JsonObject))
            throw file!.Wrong("/desired", "must be an object.");
        var desired = row["desired"] as JsonObject ?? [];
        row["desired"] = desired;
        if (name is not null)
            desired[mount.Entity.HasName ? "name" : mount.KeyColumn] = name;
        foreach (var (field, value) in await Assignments.ReadAsync(session, collection, set, cancellation))
            desired[field] = value?.DeepClone();
        if (template is not null)
            row[Template] = template;
        if (row[Template] is JsonValue named && named.TryGetValue<string>(out var text))
            row[Template] = await new Locator(session).FindTemplateAsync(mount, collection, text, cancellation);

        ApiAnswer answer;
        try
        {
            answer = await session.SendAsync(ApiRequest.Post(collection.Path, row), cancellation);
        }
        catch (ProblemException exception)
        {
            // What stands in the file is told by its place there; what was typed by its field.
            throw new PonyException(
                ExitCode.Of(exception.Problem.Status),
                exception.Problem.Describe(pointer => file?.Has(pointer) == true ? file.Where(pointer) : Typed(pointer)),
                exception);
        }
        Show(session, mount, name, answer);
        return ExitCode.Ok;
    }

    private static string Typed(string pointer) => pointer == $"/{Template}" ? Template : pointer.Replace("/desired/", "", StringComparison.Ordinal);

    private static void Show(Session session, Mount mount, string? name, ApiAnswer answer)
    {
        var output = session.Terminal.Output;
        var key = Uri.UnescapeDataString(answer.Headers.Location?.OriginalString.Split('/')[^1] ?? "");
        switch (session.Format)
        {
            case OutputFormat.Json:
                output.WriteLine(answer.Text);
                break;
            case OutputFormat.Yaml:
                YamlWriter.Write(output, answer.Json);
                break;
            case OutputFormat.Name:
                output.WriteLine(Printable.Of(key));
                break;
            default:
                output.WriteLine($"{mount.Entity.Name} {Printable.Of(name is null || name == key ? key : $"{name} {key}")} created");
                break;
        }
    }
}
