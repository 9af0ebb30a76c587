using System.CommandLine;
using System.Text.RegularExpressions;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>What the word that is being typed could become: commands, options, paths, names, fields and their values.</summary>
internal sealed partial class Completion(GlobalOptions options)
{
    /// <param name="words">All words behind <c>pony</c>; the last is the one that is being typed.</param>
    public async Task<IReadOnlyList<string>> FindAsync(string[] words, CancellationToken cancellation)
    {
        var typed = words.Length == 0 ? "" : words[^1];
        var before = words.Length == 0 ? [] : words[..^1];
        var root = CommandLine.Make(options);
        // An option whose value is being typed is not whole yet.
        var option = before.Length > 0 && before[^1].StartsWith('-') ? FindOption(root.Parse(before[..^1]).CommandResult.Command, root, before[^1]) : null;
        if (option is not null && option.ValueType == typeof(bool))
            option = null;
        var parsed = root.Parse(option is null ? before : before[..^1]);
        var command = parsed.CommandResult.Command;
        var arguments = command.Arguments.Count == 0 ? [] : parsed.CommandResult.Children
            .OfType<System.CommandLine.Parsing.ArgumentResult>().SelectMany(argument => argument.Tokens).Select(token => token.Value).ToArray();

        IEnumerable<string> found;
        if (option is null && typed.StartsWith('-'))
        {
            found = command.Options.Concat(root.Options).Where(known => !known.Hidden).SelectMany(known => known.Aliases.Append(known.Name)).Distinct();
        }
        else if (option is null && command.Subcommands.Count > 0)
        {
            found = command.Subcommands.Where(known => !known.Hidden).Select(known => known.Name);
        }
        else
        {
            using var session = options.Open(parsed);
            found = option is null
                ? await ArgumentAsync(session, command.Name, command.Parents.OfType<Command>().FirstOrDefault()?.Name, arguments, typed, cancellation)
                : await ValueAsync(session, option.Name, arguments, typed, cancellation);
        }
        return [.. found.Where(candidate => candidate.StartsWith(typed, StringComparison.Ordinal) && Harmless().IsMatch(candidate)).Order(StringComparer.Ordinal)];
    }

    private static Option? FindOption(Command command, RootCommand root, string text) =>
        command.Options.Concat(root.Options).FirstOrDefault(option => option.Name == text || option.Aliases.Contains(text));

    private static async Task<IEnumerable<string>> ValueAsync(
        Session session, string option, string[] arguments, string typed, CancellationToken cancellation) => option switch
        {
            "--profile" => session.Store.Names,
            "--output" => ["table", "json", "yaml", "name"],
            "--tenant" => await NamesAsync(session, "/tenant", cancellation),
            "--template" => await TemplatesAsync(session, arguments, cancellation),
            "--set" => await AssignmentsAsync(session, arguments, typed, cancellation),
            "--unset" => (await PlaceAsync(session, arguments, cancellation)).Mount.Entity.Desired.Where(field => field.IsNullable).Select(field => field.Name),
            "--selector" => await AssignmentsAsync(session, arguments, typed, cancellation),
            "--fields" => Fields((await PlaceAsync(session, arguments, cancellation)).Mount, typed),
            _ => [],
        };

    private static async Task<IEnumerable<string>> ArgumentAsync(
        Session session, string command, string? parent, string[] arguments, string typed, CancellationToken cancellation) => (parent, command) switch
        {
            ("host", _) => await NamesAsync(session, "/host", cancellation),
            ("volume", "download" or "wait") when arguments.Length == 0 => await NamesAsync(session, "volume", cancellation),
            ("volume", "upload") when arguments.Length == 1 => await NamesAsync(session, "volume", cancellation),
            ("volume", _) => [],
            (_, "use") => session.Store.Names,
            (_, "start" or "stop" or "pause") => await NamesAsync(session, "instance", cancellation),
            (_, "get" or "create" or "set" or "delete" or "watch") when arguments.Length == 0 => await PathsAsync(session, typed, cancellation),
            (_, "get" or "delete") => await NamesAsync(session, arguments[0], cancellation),
            (_, "set") when arguments.Length == 1 && !(await new Locator(session).FindAsync(arguments[0], cancellation)).IsRow =>
                await NamesAsync(session, arguments[0], cancellation),
            (_, "set") => await AssignmentsAsync(session, arguments, typed, cancellation),
            _ => [],
        };

    // A path, of which only the last segment is being typed.
    private static async Task<IEnumerable<string>> PathsAsync(Session session, string typed, CancellationToken cancellation)
    {
        var slash = typed.LastIndexOf('/');
        if (slash <= 0)
        {
            var catalog = await session.CatalogAsync(cancellation);
            var inTenant = catalog.Root("tenant")?.Children.Keys ?? [];
            return slash == 0 ? catalog.Roots.Keys.Select(segment => "/" + segment) : catalog.Roots.Keys.Union(inTenant);
        }
        var above = typed[..slash];
        var location = await new Locator(session).FindAsync(above, cancellation);
        var below = location.IsRow ? location.Mount.Children.Keys : await NamesAsync(session, above, cancellation);
        return below.Select(segment => $"{above}/{segment}");
    }

    private static async Task<IEnumerable<string>> NamesAsync(Session session, string path, CancellationToken cancellation)
    {
        var location = await new Locator(session).FindAsync(path, cancellation);
        return location.IsRow ? [] : (await session.ListAsync(location, cancellation)).Rows.Select(row => Locator.NameOf(row.Value) ?? row.Key).Distinct();
    }

    private static async Task<IEnumerable<string>> TemplatesAsync(Session session, string[] arguments, CancellationToken cancellation)
    {
        var place = await PlaceAsync(session, arguments, cancellation);
        return place.Mount.TakesTemplate
            ? (await new Locator(session).TemplatesAsync(place.Mount, place, cancellation)).Select(row => Locator.NameOf(row.Value) ?? row.Key).Distinct()
            : [];
    }

    private static async Task<Location> PlaceAsync(Session session, string[] arguments, CancellationToken cancellation) =>
        await new Locator(session).FindAsync(arguments.FirstOrDefault() ?? "", cancellation);

    private static async Task<IEnumerable<string>> AssignmentsAsync(
        Session session, string[] arguments, string typed, CancellationToken cancellation)
    {
        var place = await PlaceAsync(session, arguments, cancellation);
        var fields = place.Mount.Entity.Desired.Where(field => !field.IsWriteOnly && field.Name != place.Mount.KeyColumn);
        var equals = typed.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
            return fields.Select(field => field.Name + "=");
        var name = typed[..equals].TrimEnd('!');
        IReadOnlyList<string> values = place.Mount.Entity.FindDesired(name) switch
        {
            { Kind: "boolean" } => ["false", "true"],
            { Values: var list } => list,
            _ => place.Mount.Entity.FindCurrent(name.Replace("current.", "", StringComparison.Ordinal))?.Values ?? [],
        };
        return values.Select(value => typed[..(equals + 1)] + value);
    }

    // A list of which the last is being typed.
    private static IEnumerable<string> Fields(Mount mount, string typed)
    {
        var before = typed[..(typed.LastIndexOf(',') + 1)];
        return mount.Entity.Desired.Where(field => !field.IsWriteOnly).Concat(mount.Entity.Current).Select(field => field.Name)
            .Where(field => !mount.Hidden.Contains(field)).Distinct().Select(field => before + field);
    }

    // What is offered stands unquoted in the command line of whoever types, and others choose names.
    [GeneratedRegex(@"^[A-Za-z0-9._:@%+=,/!-]+$")]
    private static partial Regex Harmless();
}
