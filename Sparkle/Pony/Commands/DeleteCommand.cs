using System.CommandLine;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Removes rows.</summary>
internal static class DeleteCommand
{
    public static Command Make(GlobalOptions options)
    {
        var path = new Argument<string>("path") { Description = "The row, such as instance/web; or its collection, with names after it." };
        var names = new Argument<string[]>("name") { Description = "By name or uuid.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("delete", "Remove rows, with what the schema says goes along. It is not asked twice.") { path, names };
        options.Act(command, (session, parsed, cancellation) => RunAsync(session, parsed.GetValue(path)!, parsed.GetValue(names) ?? [], cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Session session, string path, string[] names, CancellationToken cancellation)
    {
        var locator = new Locator(session);
        var rows = new List<(Location Row, string Called)>();
        // All are found before the first goes: a name that is mistyped removes nothing.
        foreach (var name in names.Length == 0 ? new string?[] { null } : names)
        {
            var row = await locator.FindRowAsync(path, name, cancellation);
            rows.Add((row, name ?? Uri.UnescapeDataString(path.TrimEnd('/').Split('/')[^1])));
        }
        foreach (var (row, called) in rows)
        {
            await session.SendAsync(ApiRequest.Delete(row.Path), cancellation);
            session.Terminal.Output.WriteLine(
                session.Format == OutputFormat.Name ? Printable.Of(row.Key) : $"{row.Mount.Entity.Name} {Printable.Of(called)} deleted");
        }
        return ExitCode.Ok;
    }
}
