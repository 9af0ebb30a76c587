using System.Text.Json.Nodes;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Writing;
using PonyCloud.Sparkle.Templates;
using static PonyCloud.Sparkle.Api.Description.OpenApiParts;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>Writes the OpenAPI 3.1 document of all paths, from the catalog and from nothing else for what is made of it.</summary>
public sealed class OpenApiWriter
{
    /// <summary>What can be wrong with any patch.</summary>
    internal static readonly IReadOnlyList<int> PatchProblems = [400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 503, 504];

    private readonly ResourceTree _tree;
    private readonly JsonObject _paths = [];

    private OpenApiWriter(ResourceTree tree) => _tree = tree;

    public static PublishedDocument Write(ResourceTree tree) => PublishedDocument.Of(json => new OpenApiWriter(tree).Document().WriteTo(json));

    /// <summary>A request body that makes a row at a mount; null where a column has no example.</summary>
    internal static JsonObject? Example(ResourceNode node)
    {
        var desired = new JsonObject();
        foreach (var column in Needed(node))
        {
            if (ColumnSchema.Example(column) is not { } value)
                return null;
            desired[column.Name] = value;
        }
        return new JsonObject { ["desired"] = desired };
    }

    private JsonObject Document()
    {
        var nodes = _tree.All.Where(node => node.Mount.Access != Access.Private).OrderBy(node => node.Mount.Path, StringComparer.Ordinal).ToList();
        OpenApiFixed.AddPaths(_paths);
        foreach (var node in nodes)
            AddMount(node);
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "PonyCloud",
                ["version"] = SparkleVersion.Text,
                ["description"] = "The configuration of the platform is one tree of collections of rows. A row has a desired part, "
                    + "which clients write, and a current part, which tells what is. HEAD answers like GET, without the body. "
                    + "OPTIONS tells which methods are at a path. A method that is not there is a 405, and a path that is not there a 404.",
                ["license"] = new JsonObject { ["name"] = "MIT", ["identifier"] = "MIT" },
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["security"] = new JsonArray(new JsonObject { ["token"] = new JsonArray() }),
            ["tags"] = new JsonArray([.. nodes.Select(node => node.Entity).Distinct().OrderBy(entity => entity.Name, StringComparer.Ordinal)
                .Select(entity => new JsonObject { ["name"] = entity.Name, ["description"] = entity.Summary })]),
            ["paths"] = _paths,
            ["x-headers-of-every-answer"] = OpenApiComponents.HeadersOfEveryAnswer(),
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = OpenApiComponents.SecuritySchemes(),
                ["parameters"] = OpenApiComponents.Parameters(),
                ["headers"] = OpenApiComponents.Headers(),
                ["schemas"] = Schemas(nodes),
                ["responses"] = OpenApiComponents.Responses(),
            },
        };
    }

    private static JsonObject Schemas(IEnumerable<ResourceNode> nodes)
    {
        var schemas = OpenApiComponents.Schemas();
        foreach (var entity in nodes.Select(node => node.Entity).Distinct().OrderBy(entity => entity.Name, StringComparer.Ordinal))
        {
            var parts = new JsonObject();
            foreach (var (name, part) in new[] { ("desired", entity.Desired), ("current", entity.Current) })
            {
                if (part is null)
                    continue;
                schemas[$"{entity.Name}.{name}"] = Part(part, forWriting: false);
                parts[name] = Ref("schemas", $"{entity.Name}.{name}");
            }
            if (entity.ReportedBy is not null)
            {
                parts["stale_since"] = new JsonObject
                {
                    ["type"] = "string",
                    ["format"] = "date-time",
                    ["description"] = "While the reporting host is silent: how old the current part is.",
                };
            }
            parts["join"] = new JsonObject
            {
                ["type"] = "object",
                ["description"] = "The rows that join asks for, by column.",
                ["additionalProperties"] = new JsonObject { ["type"] = "object" },
            };
            schemas[entity.Name] = new JsonObject { ["type"] = "object", ["description"] = entity.Summary, ["properties"] = parts };
            if (entity is { IsStored: true, IsWrittenByPlatform: false })
                schemas[$"{entity.Name}.write"] = Part(entity.Desired!, forWriting: true);
        }
        return schemas;
    }

    private static JsonObject Part(PartDeclaration part, bool forWriting)
    {
        var defaults = forWriting ? part.New() : null;
        var properties = new JsonObject();
        foreach (var column in part.Columns.Where(column => !column.IsSecret || forWriting))
            properties[column.Name] = ColumnSchema.Of(column, forWriting, defaults);
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        // What a later version adds must not break a client that reads; what a client sends is checked.
        if (forWriting)
            schema["additionalProperties"] = false;
        return schema;
    }

    // What whoever makes a row must send: the path gives the parent's key, and the platform most others.
    private static IEnumerable<Column> Needed(ResourceNode node) => node.Entity.Desired!.Columns.Where(column =>
        column.IsRequired && column.Name != node.Mount.ParentColumn
        && !(node.Entity.IsKeyMadeByPlatform && node.Entity.KeyColumns.Contains(column.Name)));

    private void AddMount(ResourceNode node)
    {
        var template = PathTemplate.Of(node);
        var name = string.Join('_', node.Mount.Segments).Replace('-', '_');
        var who = $"Access: {SchemaWriter.NameOf(node.Mount.Access)}. {SchemaWriter.Describe(node.Mount.Access)}"
            + (node.Mount.Hidden.Count > 0 ? $" Not shown here: {string.Join(", ", node.Mount.Hidden)}." : "");
        var collection = PathItem(template.Parameters.Take(template.Parameters.Count - 1));
        var row = PathItem(template.Parameters);
        _paths[ApiEndpoint.Root + template.Collection] = collection;
        _paths[ApiEndpoint.Root + template.Row] = row;

        var seen = (string[])[Revisions.Header, ApiEndpoint.DatabaseDownHeader];
        collection["get"] = Operation(node, $"list_{name}", $"Read the collection of {node.Entity.Name}", who, new JsonObject
        {
            ["200"] = JsonAnswer(
                "The rows by key.", new JsonObject { ["type"] = "object", ["additionalProperties"] = Ref("schemas", node.Entity.Name) }, ["Link", .. seen]),
        }, [400, 503]);
        collection["get"]!["parameters"] = new JsonArray([.. Filters(node), .. References("fields", "join", "limit", "after")]);
        row["get"] = Operation(node, $"get_{name}", $"Read one {node.Entity.Name}", who, new JsonObject
        {
            ["200"] = JsonAnswer("The row.", Ref("schemas", node.Entity.Name), ["ETag", .. seen]),
            ["304"] = Bare("The row is still as the tag names it.", ["ETag", .. seen]),
        }, [400, 412, 503]);
        row["get"]!["parameters"] = new JsonArray([.. References("fields", "join", "If-Match", "If-None-Match")]);
        if (!node.IsWritable)
            return;

        var body = new JsonObject { ["schema"] = NewRow(node) };
        if (Example(node) is { } example)
            body["example"] = example;
        var post = Operation(node, $"create_{name}", $"Make a row of {node.Entity.Name}, with its children", who, new JsonObject
        {
            ["201"] = JsonAnswer("The row is there.", Ref("schemas", "uuids"), "Location"),
        }, [400, 408, 409, 412, 413, 415, 422, 503, 504]);
        post["parameters"] = WriteParameters(repeatable: true);
        post["requestBody"] = Body(new JsonObject { ["application/json"] = body });
        collection["post"] = post;
        collection["patch"] = Patch(node, $"patch_{name}_rows", $"Add, change and remove rows of {node.Entity.Name} in one transaction", who, new JsonObject
        {
            ["200"] = JsonAnswer("The uuids of new rows, by the names that the request gave them.", Ref("schemas", "uuids")),
        });
        row["patch"] = Patch(node, $"patch_{name}", $"Change one {node.Entity.Name}", who, new JsonObject
        {
            ["200"] = JsonAnswer(
                "The row as it is now, and the uuids of new rows beside it.",
                new JsonObject { ["allOf"] = new JsonArray(Ref("schemas", node.Entity.Name), Ref("schemas", "uuids")) },
                "ETag"),
            ["204"] = Bare("Done, and the row was removed by somebody else since."),
        });
        row["delete"] = Operation(node, $"delete_{name}", $"Remove one {node.Entity.Name}", who, new JsonObject
        {
            ["204"] = Bare("It is gone."),
        }, [400, 409, 412, 422, 503, 504]);
        row["delete"]!["parameters"] = WriteParameters(repeatable: false);
    }

    private static JsonObject NewRow(ResourceNode node)
    {
        var desired = Ref("schemas", $"{node.Entity.Name}.write");
        var properties = new JsonObject { ["children"] = Ref("schemas", "children") };
        var schema = new JsonObject
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray("desired"),
            ["properties"] = properties,
        };
        if (!TemplateRows.AreTakenAt(node.Mount))
        {
            properties["desired"] = new JsonObject { ["allOf"] = new JsonArray(desired, Requiring(Needed(node))) };
            return schema;
        }
        properties["desired"] = desired;
        properties["template"] = new JsonObject
        {
            ["type"] = "string",
            ["format"] = "uuid",
            ["x-references"] = node.Entity.Name,
            ["description"] = "A template of the tenant or of nobody. The row gets its fields, disks and cards; desired, and children with the "
                + "same index, lie over these. What is made so is among the uuids of the answer: NAME/volume/0, NAME/vdisk/0, NAME/vnic/0.",
        };
        schema["if"] = new JsonObject { ["required"] = new JsonArray("template") };
        schema["then"] = WithDesired(Needed(node).Where(column => TemplateRows.IsOwn(column.Name)));
        schema["else"] = WithDesired(Needed(node));
        return schema;

        static JsonObject Requiring(IEnumerable<Column> columns) => new() { ["required"] = ColumnSchema.Texts(columns.Select(column => column.Name)) };

        static JsonObject WithDesired(IEnumerable<Column> columns) => new() { ["properties"] = new JsonObject { ["desired"] = Requiring(columns) } };
    }

    /// <summary>The headers that any write heeds.</summary>
    /// <param name="repeatable">Whether it can be sent again under a key.</param>
    internal static JsonArray WriteParameters(bool repeatable) =>
        new([.. References(repeatable ? ["If-Match", "If-None-Match", IdempotencyKeys.Header] : ["If-Match", "If-None-Match"])]);

    /// <summary>The body of a patch, of either kind.</summary>
    internal static JsonObject PatchBody() => Body(new JsonObject
    {
        [ApiEndpoint.PatchMediaType] = new JsonObject { ["schema"] = Ref("schemas", "json_patch") },
        [ApiEndpoint.MergePatchMediaType] = new JsonObject { ["schema"] = Ref("schemas", "merge_patch") },
    });

    private static JsonObject Patch(ResourceNode node, string id, string summary, string who, JsonObject answers)
    {
        answers["202"] = Ref("responses", "journaled");
        var operation = Operation(node, id, summary, who, answers, PatchProblems);
        operation["parameters"] = WriteParameters(repeatable: true);
        operation["requestBody"] = PatchBody();
        return operation;
    }

    private static JsonObject PathItem(IEnumerable<PathParameter> parameters)
    {
        var item = new JsonObject();
        var list = new JsonArray([.. parameters.Select(parameter => new JsonObject
        {
            ["name"] = parameter.Name,
            ["in"] = "path",
            ["required"] = true,
            ["description"] = $"The {parameter.Column.Name} of the {parameter.Node.Entity.Name}.",
            ["schema"] = ColumnSchema.Of(parameter.Column, forWriting: false, null),
        })]);
        if (list.Count > 0)
            item["parameters"] = list;
        return item;
    }

    private static IEnumerable<JsonObject> Filters(ResourceNode node)
    {
        string[] taken = ["fields", "join", "limit", "after"];
        var columns = RowFilter.NamesFor(node).Where(name => !taken.Contains(name))
            .Select(name => node.Entity.Desired?.Column(name) ?? node.Entity.Current!.Column(name)!);
        foreach (var column in columns)
        {
            yield return new JsonObject
            {
                ["name"] = column.Name,
                ["in"] = "query",
                ["description"] = $"Only rows with one of these values of {column.Name}.",
                ["schema"] = new JsonObject { ["type"] = "array", ["items"] = ColumnSchema.Of(column, forWriting: false, null) },
                ["explode"] = true,
            };
        }
    }

    private static JsonObject Operation(ResourceNode node, string id, string summary, string who, JsonObject answers, IEnumerable<int> problems)
    {
        foreach (var status in problems.Concat([401, 403, 404]).Distinct().Order())
            answers[$"{status}"] = RefProblem(status);
        answers["default"] = Ref("responses", "problem");
        return new JsonObject
        {
            ["operationId"] = id,
            ["tags"] = new JsonArray(node.Entity.Name),
            ["summary"] = summary + ".",
            ["description"] = who,
            ["responses"] = answers,
        };
    }

    private static IEnumerable<JsonObject> References(params IEnumerable<string> parameters) => parameters.Select(name => Ref("parameters", name));

    private static JsonObject Body(JsonObject content) => new() { ["required"] = true, ["content"] = content };
}
