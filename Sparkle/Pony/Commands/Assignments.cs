using System.Text.Json.Nodes;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Values for fields of a row's desired part, as they were typed: <c>mem=1024</c>.</summary>
internal static class Assignments
{
    /// <param name="at">The row, or the collection that it comes into.</param>
    /// <exception cref="PonyException">One is none, or of a field that is not there.</exception>
    public static async Task<JsonObject> ReadAsync(
        Session session, Location at, IEnumerable<string> texts, CancellationToken cancellation)
    {
        var values = new JsonObject();
        foreach (var text in texts)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw PonyException.Usage($"\"{Printable.Of(text)}\" gives no value to a field, as mem=1024 does.");
            var field = FindField(at.Mount, text[..equals]);
            if (field.IsWriteOnly)
                throw PonyException.Usage($"{field.Name} is a secret, and a command line is for everybody on this machine to see. Put it into a file, or into standard input with -f -.");
            var typed = text[(equals + 1)..];
            var value = field is { References: not null, Kind: "uuid" }
                ? JsonValue.Create(await new Locator(session).FindReferenceAsync(at, field, typed, cancellation))
                : FieldValue.Parse(field, typed);
            if (!values.TryAdd(field.Name, value))
                throw PonyException.Usage($"{field.Name} is given two values.");
        }
        return values;
    }

    /// <exception cref="PonyException">There is none.</exception>
    public static Field FindField(Mount mount, string name) => mount.Entity.FindDesired(name) ?? throw PonyException.Usage(
        $"Nothing can be ordered of \"{Printable.Of(name)}\" of a {mount.Entity.Name}, only of {string.Join(", ", mount.Entity.Desired.Select(field => field.Name))}.");
}
