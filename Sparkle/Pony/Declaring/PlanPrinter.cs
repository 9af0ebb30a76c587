using PonyCloud.Pony.Output;

namespace PonyCloud.Pony.Declaring;

/// <summary>A plan for people, much like what diff(1) shows.</summary>
internal static class PlanPrinter
{
    public static void Write(TextWriter output, IReadOnlyList<Change> changes)
    {
        foreach (var change in changes)
        {
            switch (change)
            {
                case Change.Create create:
                    Write(output, create.Row, create.Called);
                    break;
                case Change.Update update:
                    output.WriteLine($"~ {Printable.Of(update.Called)}");
                    foreach (var field in update.Fields)
                        output.WriteLine($"    {field.Field.Name}: {Value(field.Before)} → {Value(field.After)}");
                    break;
                default:
                    output.WriteLine($"- {Printable.Of(change.Called)}");
                    break;
            }
        }
    }

    /// <summary>How much of what is to be done, in one line.</summary>
    public static string Ahead(IReadOnlyList<Change> changes)
    {
        var (created, changed, removed) = Count(changes);
        return $"{created} to create, {changed} to change, {removed} to remove.";
    }

    /// <summary>How much of what was done, in one line.</summary>
    public static string Done(IReadOnlyList<Change> changes)
    {
        var (created, changed, removed) = Count(changes);
        return $"{created} created, {changed} changed, {removed} removed.";
    }

    private static (int Created, int Changed, int Removed) Count(IReadOnlyList<Change> changes) => (
        changes.OfType<Change.Create>().Sum(create => Count(create.Row)),
        changes.OfType<Change.Update>().Count(),
        changes.OfType<Change.Remove>().Count());

    private static int Count(NewRow row) => 1 + row.Children.Sum(Count);

    private static void Write(TextWriter output, NewRow row, string called)
    {
        output.WriteLine($"+ {Printable.Of(called)}");
        if (row.Template is not null)
            output.WriteLine($"    from template: {row.Template}");
        foreach (var field in row.Mount.Entity.Desired.Where(field => row.Desired[field.Name] is not null && field.Name is not "name"))
            output.WriteLine($"    {field.Name}: {(field.IsWriteOnly ? "(a secret)" : Value(row.Desired[field.Name]))}");
        foreach (var child in row.Children)
            Write(output, child, $"{called}/{child.Mount.Segment}/{child.Name}");
    }

    private static string Value(System.Text.Json.Nodes.JsonNode? value) => value is null ? "-" : Column.Text(value);
}
