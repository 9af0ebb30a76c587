using System.Globalization;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Files;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Declaring;

/// <summary>
/// Compares a file with what is there. Rows are found by their key, else by their name. Fields and rows that the file does
/// not name are left alone; with pruning, rows that it does not name are to go, in the collections that it names.
/// </summary>
internal sealed class Planner(Session session, DocumentFile file, bool prunes)
{
    private readonly Locator _locator = new(session);
    private readonly List<Change> _changes = [];
    private readonly List<NewRow> _made = [];
    private readonly List<(Location At, JsonObject Values, string Name, Field Field, string Pointer)> _references = [];
    private readonly List<(Location? Collection, NewRow Row, string Name)> _templates = [];
    private readonly HashSet<string> _notes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _placeholders = new(StringComparer.Ordinal);

    public async Task<IReadOnlyList<Change>> PlanAsync(CancellationToken cancellation)
    {
        // With tenants in it, it is the whole document; otherwise what a tenant can have is of the tenant that was chosen.
        var isWhole = file.Root.ContainsKey("tenant");
        foreach (var (segment, value) in file.Root)
        {
            var pointer = "/" + Location.Escape(segment);
            if (value is not (null or JsonObject))
                throw file.Wrong(pointer, "must be a collection, an object of rows.");
            var collection = await _locator.FindAsync(
                (isWhole || segment.StartsWith('/') ? "/" : "") + Uri.EscapeDataString(segment.TrimStart('/')), cancellation);
            await PlanRowsAsync(collection, Called(collection), value as JsonObject ?? [], pointer, cancellation);
        }
        await ResolveAsync(cancellation);
        foreach (var note in _notes)
            session.Note(note);
        // What only named another row by its name may now turn out to be so already.
        return [.. _changes.Select(Differing).OfType<Change>()];
    }

    private async Task PlanRowsAsync(Location collection, string called, JsonObject rows, string pointer, CancellationToken cancellation)
    {
        var mount = collection.Mount;
        if (!mount.IsWritable)
        {
            _notes.Add($"Only the platform writes {mount}: what the file says of it is left aside.");
            return;
        }
        session.Progress.Show($"Reading {called} …");
        var there = (await session.ListAsync(collection, cancellation)).Rows;
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in rows)
        {
            var below = $"{pointer}/{Location.Escape(name)}";
            var entry = RowEntry.Read(file, mount, name, value, below);
            if (Find(there, entry) is not { } key)
            {
                var row = Draft(entry, collection);
                _changes.Add(new Change.Create($"{called}/{name}", below, collection, row));
                continue;
            }
            if (!named.Add(key))
                throw file.Wrong(below, "is the same row as another in the file.");
            var at = collection.Row(key);
            Compare(entry, at, $"{called}/{name}", there[key]!);
            foreach (var (child, childRows, childPointer) in entry.Children)
                await PlanRowsAsync(at.Child(child), $"{called}/{name}/{child.Segment}", childRows, childPointer, cancellation);
        }
        if (!prunes)
            return;
        foreach (var (key, row) in there.Where(row => !named.Contains(row.Key) && row.Value?["desired"] is not null))
            _changes.Add(new Change.Remove($"{called}/{Locator.NameOf(row) ?? key}", pointer, collection.Row(key)));
    }

    // The key of the row that an entry speaks of; null when there is none yet.
    private string? Find(JsonObject there, RowEntry entry)
    {
        if (entry.Mount.Normalize(entry.Name) is { } key)
            return there[key]?["desired"] is null ? null : key;
        if (!entry.Mount.Entity.HasName)
            throw file.Wrong(entry.Pointer, $"must be the uuid of a {entry.Mount.Entity.Name}, which has no name; or a text with $ in front, for a new one.");
        var found = Locator.KeysOf(there, entry.Desired["name"] is JsonValue value && value.TryGetValue<string>(out var name) && entry.Name.StartsWith('$') ? name : entry.Name);
        return found.Count switch
        {
            0 => null,
            1 => found[0],
            _ => throw Locator.Ambiguous(entry.Mount.Entity, entry.Name, found),
        };
    }

    private void Compare(RowEntry entry, Location at, string called, JsonNode there)
    {
        var before = there["desired"]!.AsObject();
        var fields = new List<FieldChange>();
        foreach (var (name, value) in entry.Desired)
        {
            var field = entry.Mount.Entity.FindDesired(name)!;
            if (field.IsWriteOnly)
            {
                _notes.Add($"{called}: {name} is never read back, so it counts only where the row is made.");
                continue;
            }
            if (AreSame(field, before[name], value))
                continue;
            fields.Add(new FieldChange(field, before[name]?.DeepClone(), value?.DeepClone()));
        }
        if (fields.Count == 0)
            return;
        var values = new JsonObject(fields.Select(field => KeyValuePair.Create(field.Field.Name, field.After?.DeepClone())));
        Remember(at, values, entry.Pointer, fields.Select(field => field.Field));
        _changes.Add(new Change.Update(called, entry.Pointer, at, fields) { Values = values });
    }

    private NewRow Draft(RowEntry entry, Location collection, bool isOverTemplate = false)
    {
        isOverTemplate |= entry.Template is not null;
        var mount = entry.Mount;
        var key = mount.Normalize(entry.Name);
        // A text with $ in front is a placeholder already, by which other rows of the file may call it.
        var desired = entry.Desired;
        if (key is null && mount.Entity.HasName && !entry.Name.StartsWith('$'))
            desired.TryAdd("name", entry.Name);
        if (key is not null && !mount.IsKeyUuid)
            desired.TryAdd(mount.KeyColumn, key);
        // Over a template null says something.
        foreach (var unset in desired.Where(field => field.Value is null && !isOverTemplate).Select(field => field.Key).ToList())
            desired.Remove(unset);
        var row = new NewRow(mount, entry.Name, key ?? Placeholder(entry.Name), desired, entry.Pointer);
        _made.Add(row);
        if (entry.Template is not null)
            _templates.Add((collection.Mount == mount ? collection : null, row, entry.Template));
        Remember(collection, desired, entry.Pointer, mount.Entity.Desired);
        foreach (var (child, rows, pointer) in entry.Children)
        {
            if (!child.IsWritable)
            {
                _notes.Add($"Only the platform writes {child}: what the file says of it is left aside.");
                continue;
            }
            foreach (var (name, value) in rows)
                row.Children.Add(Draft(RowEntry.Read(file, child, name, value, $"{pointer}/{Location.Escape(name)}"), collection, isOverTemplate));
        }
        return row;
    }

    // Speaks for the row in the request until the platform has made its key.
    private string Placeholder(string name)
    {
        if (name.StartsWith('$'))
            return name;
        var placeholder = "$" + name;
        for (var number = 2; !_placeholders.Add(placeholder); number++)
            placeholder = $"${name}-{number}";
        return placeholder;
    }

    private void Remember(Location at, JsonObject values, string pointer, IEnumerable<Field> fields)
    {
        foreach (var field in fields.Where(field => field is { References: not null, Kind: "uuid" }))
        {
            if (values[field.Name] is JsonValue value && value.TryGetValue<string>(out var text) && !Guid.TryParseExact(text, "D", out _))
                _references.Add((at, values, text, field, $"{pointer}/desired/{field.Name}"));
        }
    }

    // Names of other rows become their keys: of those that the file makes first, then of those that are there.
    private async Task ResolveAsync(CancellationToken cancellation)
    {
        foreach (var (at, values, name, field, pointer) in _references)
        {
            var made = _made.Where(row => row.Mount.Entity.Name == field.References && (row.Name == name || row.Key == name)).ToList();
            if (made.Count > 1)
                throw file.Wrong(pointer, $"the file makes several of {field.References} with the name \"{Printable.Of(name)}\".");
            values[field.Name] = made.Count == 1
                ? made[0].Key
                : await FindAsync(() => _locator.FindReferenceAsync(at, field, name, cancellation), pointer);
        }
        foreach (var (collection, row, name) in _templates)
            row.Template = await FindAsync(() => _locator.FindTemplateAsync(row.Mount, collection, name, cancellation), $"{row.Pointer}/template");
    }

    private async Task<string> FindAsync(Func<Task<string>> find, string pointer)
    {
        try
        {
            return await find();
        }
        catch (PonyException exception)
        {
            throw new PonyException(exception.Code, $"{file.Where(pointer)}: {exception.Message}", exception);
        }
    }

    private static Change? Differing(Change change)
    {
        if (change is not Change.Update update)
            return change;
        var fields = update.Fields.Select(field => field with { After = update.Values[field.Field.Name]?.DeepClone() })
            .Where(field => !AreSame(field.Field, field.Before, field.After)).ToList();
        return fields.Count == 0 ? null : update with { Fields = fields };
    }

    // The platform writes a value in its one form; a file may have another.
    private static bool AreSame(Field field, JsonNode? before, JsonNode? after)
    {
        if (JsonNode.DeepEquals(before, after))
            return true;
        if (Text(before) is not { } left || Text(after) is not { } right)
            return false;
        return field.Kind switch
        {
            "uuid" or "macaddr" => string.Equals(left, right, StringComparison.OrdinalIgnoreCase),
            "timestamp" => DateTimeOffset.TryParse(left, CultureInfo.InvariantCulture, out var one)
                && DateTimeOffset.TryParse(right, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var other) && one == other,
            _ => false,
        };
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static string Called(Location collection) => collection.Path[1..];
}
