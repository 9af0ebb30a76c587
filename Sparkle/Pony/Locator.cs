using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony;

/// <summary>
/// Finds what a path on the command line means. Collections and names alternate in it: <c>instance/web/event</c>. Without a
/// slash in front it begins in the tenant that was chosen, if tenants have such a collection, else at the root: a tenant's
/// instances, not those of nobody, which are at the root too. A row is called by its key or, if its entity has one, by its name.
/// </summary>
internal sealed class Locator(Session session)
{
    /// <exception cref="PonyException">There is nothing there, or more than one.</exception>
    public async Task<Location> FindAsync(string path, CancellationToken cancellation)
    {
        var catalog = await session.CatalogAsync(cancellation);
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (segments.Length == 0)
            throw PonyException.Usage($"Of what? There is {Names(catalog.Roots.Keys)}, and what these hold.");
        var location = await BeginAsync(catalog, segments[0], path.StartsWith('/'), cancellation);
        for (var i = 1; i < segments.Length; i++)
        {
            var segment = Uri.UnescapeDataString(segments[i]);
            location = location.IsRow
                ? location.Child(location.Mount.Child(segment) ?? throw NoCollection(segment, location.Mount.Children.Keys, location.Mount.ToString()))
                : location.Row(await FindKeyAsync(location, segment, cancellation));
        }
        return location;
    }

    /// <summary>A row: the path, and its name unless the path ends with it.</summary>
    public async Task<Location> FindRowAsync(string path, string? name, CancellationToken cancellation)
    {
        var location = await FindAsync(path, cancellation);
        if (name is null)
            return location.IsRow ? location : throw PonyException.Usage($"Which {location.Mount.Entity.Name}? Name one.");
        if (location.IsRow)
            throw PonyException.Usage($"{path} is a {location.Mount.Entity.Name} already; \"{name}\" is too much.");
        return location.Row(await FindKeyAsync(location, name, cancellation));
    }

    /// <summary>The key of the row in the collection that has this key or name.</summary>
    public async Task<string> FindKeyAsync(Location collection, string text, CancellationToken cancellation)
    {
        var mount = collection.Mount;
        if (mount.Normalize(text) is { } key)
            return key;
        if (!mount.Entity.HasName)
            throw PonyException.Usage($"\"{Printable.Of(text)}\" is no uuid, and a {mount.Entity.Name} has no name.");
        var found = KeysOf((await session.ListAsync(collection, cancellation, mount.Query(("name", text)))).Rows, text);
        return found.Count switch
        {
            1 => found[0],
            0 => throw new PonyException(ExitCode.NotFound, $"There is no {mount.Entity.Name} named \"{Printable.Of(text)}\"."),
            _ => throw Ambiguous(mount.Entity, text, found),
        };
    }

    /// <summary>The key of the row that a field is to refer to: of those that can be called by name, in the same tenant and at the root.</summary>
    /// <param name="at">Where the field's row is.</param>
    public async Task<string> FindReferenceAsync(Location at, Field field, string text, CancellationToken cancellation)
    {
        if (Guid.TryParseExact(text, "D", out var uuid))
            return uuid.ToString();
        var catalog = await session.CatalogAsync(cancellation);
        var places = new List<Location>();
        if (at.Path.StartsWith("/tenant/", StringComparison.Ordinal) && catalog.Root("tenant") is { } tenants)
            places.AddRange(tenants.Children.Values.Where(IsIt).Select(mount => new Location(mount, [at.Keys[0]])));
        places.AddRange(catalog.Roots.Values.Where(IsIt).Select(mount => new Location(mount, [])));
        var found = new List<string>();
        foreach (var place in places)
            found.AddRange(KeysOf((await session.ListAsync(place, cancellation, place.Mount.Query(("name", text)))).Rows, text));
        return found.Distinct().ToList() switch
        {
            [var only] => only,
            [] => throw new PonyException(ExitCode.NotFound, $"{field.Name}: there is no {field.References} named \"{Printable.Of(text)}\"."),
            var several => throw Ambiguous(catalog.Entity(field.References!)!, text, several),
        };

        bool IsIt(Mount mount) => mount.Entity.Name == field.References && mount.Entity.HasName;
    }

    /// <summary>The key of the template that a new row is to be made from.</summary>
    /// <param name="collection">The one that the row comes into; null while that is still to be made.</param>
    public async Task<string> FindTemplateAsync(Mount mount, Location? collection, string text, CancellationToken cancellation)
    {
        if (Guid.TryParseExact(text, "D", out var uuid))
            return uuid.ToString();
        var found = KeysOf(await TemplatesAsync(mount, collection, cancellation, ("name", text)), text);
        return found.Count switch
        {
            1 => found[0],
            0 => throw new PonyException(ExitCode.NotFound, $"There is no template named \"{Printable.Of(text)}\"."),
            _ => throw Ambiguous(mount.Entity, text, found),
        };
    }

    /// <summary>The templates that new rows can be made from: those among them, and those at the root, which are everybody's.</summary>
    public async Task<JsonObject> TemplatesAsync(
        Mount mount, Location? collection, CancellationToken cancellation, params (string Column, string Value)[] conditions)
    {
        if (!mount.TakesTemplate)
            throw PonyException.Usage($"Nothing is made from a template in {mount}.");
        var catalog = await session.CatalogAsync(cancellation);
        var everybodys = catalog.Roots.Values.Where(root => root.Entity == mount.Entity).Select(root => new Location(root, []));
        var found = new JsonObject();
        foreach (var place in collection is null ? everybodys : everybodys.Prepend(collection))
        {
            var rows = (await session.ListAsync(place, cancellation, place.Mount.Query([.. conditions, ("template", "true")]))).Rows;
            foreach (var (key, row) in rows.Where(row => row.Value?["desired"]?["template"] is JsonValue value && value.TryGetValue<bool>(out var isTemplate) && isTemplate))
                found[key] = row!.DeepClone();
        }
        return found;
    }

    /// <summary>Keys of the rows with a name.</summary>
    public static IReadOnlyList<string> KeysOf(JsonObject rows, string name) =>
        [.. rows.Where(row => NameOf(row.Value) == name).Select(row => row.Key)];

    public static string? NameOf(JsonNode? row) =>
        row?["desired"]?["name"] is JsonValue value && value.TryGetValue<string>(out var name) ? name : null;

    public static PonyException Ambiguous(Entity entity, string name, IEnumerable<string> keys) => PonyException.Usage(
        $"Several of {entity.Name} are named \"{Printable.Of(name)}\". Say which by its uuid:\n  {string.Join("\n  ", keys)}");

    private async Task<Location> BeginAsync(Catalog catalog, string text, bool isAbsolute, CancellationToken cancellation)
    {
        var segment = Uri.UnescapeDataString(text);
        var root = catalog.Root(segment);
        var inTenant = catalog.Root("tenant")?.Child(segment);
        if (inTenant is not null && !isAbsolute)
            return new Location(inTenant, [await session.TenantAsync(cancellation)]);
        return root is null
            ? throw NoCollection(segment, catalog.Roots.Keys.Union(catalog.Root("tenant")?.Children.Keys ?? []), "this server")
            : new Location(root, []);
    }

    private static PonyException NoCollection(string segment, IEnumerable<string> there, string place) => PonyException.Usage(
        there.Any() ? $"There is no \"{Printable.Of(segment)}\" in {place}. There is {Names(there)}." : $"There is nothing below {place}.");

    private static string Names(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal));
}
