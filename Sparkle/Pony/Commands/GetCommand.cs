using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Shows rows.</summary>
internal static class GetCommand
{
    public static Command Make(GlobalOptions options)
    {
        var path = new Argument<string>("path") { Description = "What: instance, host, instance/web, /tenant/acme/member; / for everything." };
        var names = new Argument<string[]>("name") { Description = "Only these, by name or uuid.", Arity = ArgumentArity.ZeroOrMore };
        var filters = new Option<string[]>("--selector", "-l") { Description = "Only rows with this value: state=running, current.status!=running. Several must all hold.", HelpName = "FIELD=VALUE" };
        var fields = new Option<string[]>("--fields") { Description = "Show these fields: name,state,current.status.", HelpName = "FIELD,…", AllowMultipleArgumentsPerToken = false };
        var watch = new Option<bool>("--watch", "-w") { Description = "Go on with a line for each row that changes, until Ctrl-C." };
        var command = new Command("get", "Show rows: a collection as a table, one row with what is ordered beside what is.") { path, names, filters, fields, watch };
        options.Act(command, (session, parsed, cancellation) =>
        {
            var (what, which) = (parsed.GetValue(path)!, parsed.GetValue(names) ?? []);
            var (selectors, columns) = (parsed.GetValue(filters) ?? [], parsed.GetValue(fields) ?? []);
            return parsed.GetValue(watch)
                ? GetWatch.RunAsync(session, what, which, selectors, columns, cancellation)
                : RunAsync(session, what, which, selectors, columns, cancellation);
        });
        return command;
    }

    /// <summary>The fields of a list, as columns.</summary>
    public static List<Column> Columns(Mount mount, string[] fields) =>
        [.. fields.SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries)).Select(field => Column.Find(mount, field))];

    private static async Task<int> RunAsync(
        Session session, string path, string[] names, string[] filters, string[] fields, CancellationToken cancellation)
    {
        if (path.Trim('/').Length == 0 && names.Length == 0)
            return await EverythingAsync(session, cancellation);
        var locator = new Locator(session);
        var location = names.Length == 1 ? await locator.FindRowAsync(path, names[0], cancellation) : await locator.FindAsync(path, cancellation);
        var columns = Columns(location.Mount, fields);
        var selectors = filters.Select(text => Selector.Parse(location.Mount, text)).ToList();

        if (location.IsRow && selectors.Count == 0)
        {
            var answer = await session.GetAsync(location, cancellation);
            Show.Row(session, location, answer.Json, columns.Count == 0 ? answer.Text : null, columns);
            return ExitCode.Ok;
        }
        Listing listing;
        if (location.IsRow || names.Length > 1)
        {
            var rows = new JsonObject();
            foreach (var row in names.Length > 1 ? await RowsAsync(locator, location, names, cancellation) : [location])
                rows[row.Key] = (await session.GetAsync(row, cancellation)).Json;
            listing = new Listing(rows, JsonText.Write(rows));
        }
        else
        {
            // Several values for a column are alternatives to the server, and conditions that must all hold here.
            var query = location.Mount.Query(selectors.Where(selector => !selector.IsNegated && selector.Column.Part is not null)
                .DistinctBy(selector => selector.Column.Name).Select(selector => (selector.Column.Name, selector.Value)));
            listing = await session.ListAsync(location, cancellation, query);
        }
        if (selectors.Count > 0)
        {
            var rows = new JsonObject(listing.Rows.Where(row => selectors.All(selector => selector.Holds(row.Key, row.Value)))
                .Select(row => KeyValuePair.Create(row.Key, row.Value?.DeepClone())));
            listing = new Listing(rows, JsonText.Write(rows));
        }
        Show.Rows(session, location.Mount, listing, columns);
        return ExitCode.Ok;
    }

    private static async Task<List<Location>> RowsAsync(Locator locator, Location collection, string[] names, CancellationToken cancellation)
    {
        if (collection.IsRow)
            throw PonyException.Usage($"{collection.Path} is one row already.");
        var rows = new List<Location>();
        foreach (var name in names)
            rows.Add(collection.Row(await locator.FindKeyAsync(collection, name, cancellation)));
        return rows;
    }

    // The whole document: for programs, and for pony apply.
    private static async Task<int> EverythingAsync(Session session, CancellationToken cancellation)
    {
        var answer = await session.SendAsync(ApiRequest.Get("/"), cancellation);
        if (session.Format == OutputFormat.Json)
            session.Terminal.Output.WriteLine(answer.Text);
        else
            YamlWriter.Write(session.Terminal.Output, answer.Json);
        return ExitCode.Ok;
    }
}
