using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>Writes the catalog as JSON for programs; the README of this room has its form.</summary>
public static class SchemaWriter
{
    public static PublishedDocument Write(ResourceTree tree) => PublishedDocument.Of(json =>
    {
        json.WriteStartObject();
        json.WriteString("version", SparkleVersion.Text);
        json.WriteString("fingerprint", tree.Catalog.Fingerprint);
        json.WriteString("root", ApiEndpoint.Root);
        json.WriteStartObject("entities");
        foreach (var entity in tree.Catalog.All)
            WriteEntity(json, entity);
        json.WriteEndObject();
        json.WriteStartArray("mounts");
        foreach (var node in tree.All.Where(node => node.Mount.Access != Access.Private).OrderBy(node => node.Mount.Path, StringComparer.Ordinal))
            WriteMount(json, node);
        json.WriteEndArray();
        json.WriteStartObject("access");
        foreach (var access in Enum.GetValues<Access>().Where(access => access != Access.Private))
            json.WriteString(NameOf(access), Describe(access));
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>The name of an access mode in the documents.</summary>
    public static string NameOf(Access access) => JsonNamingPolicy.KebabCaseLower.ConvertName(access.ToString());

    /// <summary>Who may do what at a mount of this mode, in words.</summary>
    public static string Describe(Access access) => access switch
    {
        Access.Private => "Nobody, through the API.",
        Access.Protected => "Operators of the platform.",
        Access.Shared => "Everyone who is logged in reads and refers to it; operators of the platform write.",
        Access.TenantOwner => "A token for the tenant in the path whose user is an owner of it.",
        Access.TenantUser => "A token for the tenant in the path; an operator of the tenant only reads.",
        Access.TenantReadOnly => "A token for the tenant in the path reads; operators of the platform write.",
        Access.UserReadWrite => "A token of the user in the path reads and writes.",
        Access.UserReadOnly => "A token of the user in the path reads.",
        _ => throw new ArgumentOutOfRangeException(nameof(access), access, "An access mode without words."),
    };

    private static void WriteEntity(Utf8JsonWriter json, Entity entity)
    {
        json.WriteStartObject(entity.Name);
        json.WriteString("summary", entity.Summary);
        WriteTexts(json, "key", entity.KeyColumns);
        WriteIf(json, "key_made_by_platform", entity.IsKeyMadeByPlatform);
        WriteIf(json, "writable", entity is { IsStored: true, IsWrittenByPlatform: false });
        WriteTexts(json, "indexes", entity.Indexes);
        if (entity.ReportedBy is not null)
            json.WriteString("reported_by", entity.ReportedBy);
        if (entity.Desired is not null)
            WritePart(json, "desired", entity.Desired, defaults: entity.Desired.New());
        if (entity.Current is not null)
            WritePart(json, "current", entity.Current, defaults: null);
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, string name, PartDeclaration part, object? defaults)
    {
        json.WriteStartObject(name);
        json.WriteStartArray("columns");
        foreach (var column in part.Columns)
            WriteColumn(json, column, defaults);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteColumn(Utf8JsonWriter json, Column column, object? defaults)
    {
        json.WriteStartObject();
        json.WriteString("name", column.Name);
        json.WriteString("kind", column.IsPassword ? "password" : JsonNamingPolicy.KebabCaseLower.ConvertName(column.Kind.ToString()));
        if (column.Description.Length > 0)
            json.WriteString("description", column.Description);
        WriteIf(json, "nullable", column.IsNullable);
        WriteIf(json, "required", column.IsRequired);
        if (!column.IsRequired && defaults is not null && column.Get(defaults) is { } value)
        {
            json.WritePropertyName("default");
            WriteValue(json, column, value);
        }
        if (column.Minimum is { } minimum)
            json.WriteNumber("minimum", minimum);
        if (column.Maximum is { } maximum)
            json.WriteNumber("maximum", maximum);
        if (column.MinLength is > 0 and { } shortest)
            json.WriteNumber("min_length", shortest);
        if (column.MaxLength is { } longest)
            json.WriteNumber("max_length", longest);
        if (column.MaxItems is { } most)
            json.WriteNumber("max_items", most);
        if (column.Pattern is not null)
            json.WriteString("pattern", column.Pattern);
        if (column.EnumNames.Count > 0)
            WriteTexts(json, "values", column.EnumNames);
        if (column.References is not null)
            json.WriteString("references", column.References);
        WriteIf(json, "immutable", column.IsImmutable);
        WriteIf(json, "operator_only", column.IsOperatorOnly);
        WriteIf(json, "write_only", column.IsSecret);
        json.WriteEndObject();
    }

    /// <summary>A value as a row shows it.</summary>
    internal static void WriteValue(Utf8JsonWriter json, Column column, object value)
    {
        if (column.Kind == ColumnKind.Enumeration)
            json.WriteStringValue(column.EnumName(value));
        else
            JsonSerializer.Serialize(json, value, column.Type, RowJson.Options);
    }

    private static void WriteMount(Utf8JsonWriter json, ResourceNode node)
    {
        var template = PathTemplate.Of(node);
        json.WriteStartObject();
        json.WriteString("path", node.Mount.Path);
        json.WriteString("template", template.Row);
        json.WriteStartArray("parameters");
        foreach (var parameter in template.Parameters)
        {
            json.WriteStartObject();
            json.WriteString("name", parameter.Name);
            json.WriteString("entity", parameter.Node.Entity.Name);
            json.WriteString("column", parameter.Column.Name);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteString("entity", node.Entity.Name);
        json.WriteString("access", NameOf(node.Mount.Access));
        WriteIf(json, "writable", node.IsWritable);
        WriteIf(json, "takes_template", TemplateRows.AreTakenAt(node.Mount));
        if (node.Mount.ParentColumn is not null)
            json.WriteString("parent_column", node.Mount.ParentColumn);
        json.WriteString("key_column", node.KeyColumn);
        if (node.Mount.NullColumn is not null)
            json.WriteString("null_column", node.Mount.NullColumn);
        if (node.Mount.Hidden.Count > 0)
            WriteTexts(json, "hidden", node.Mount.Hidden);
        WriteTexts(json, "filters", RowFilter.NamesFor(node));
        WriteTexts(json, "joins", Join.NamesFor(node));
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }

    private static void WriteIf(Utf8JsonWriter json, string name, bool isSo)
    {
        if (isSo)
            json.WriteBoolean(name, true);
    }
}
