using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Finds the template that a new instance names, as far as its tenant may use it, and lays the request over it.</summary>
/// <param name="maxRows">How many rows templates may make in one request: a few bytes name hundreds of them.</param>
internal sealed class TemplateReader(EntityCatalog catalog, int maxRows)
{
    /// <summary>The member of a new row that names the template.</summary>
    public const string Member = "template";

    /// <param name="row">The instance as the request has it, with an object <c>desired</c>.</param>
    /// <param name="name">By which the request calls it.</param>
    /// <param name="tenant">Whose it is to be; null where the request lacks that, which is an error by then.</param>
    /// <returns>Null when it cannot be made so; the scope says why.</returns>
    /// <exception cref="ProblemException">The request makes too much of templates.</exception>
    public Expansion? Expand(JObject row, string pointer, string name, string? tenant, WriteScope scope)
    {
        var place = $"{pointer}/{Member}";
        if (row[Member] is not JValue { Value: string text })
            scope.Fail(place, ProblemKind.WrongType, "template must be a text.");
        else if (!Guid.TryParseExact(text, "D", out var uuid))
            scope.Fail(place, ProblemKind.BadFormat, "template must be the uuid of an instance that is a template.");
        else if (row["desired"]!["template"] is JValue { Value: true })
            scope.Fail($"{pointer}/desired/template", ProblemKind.Contradiction, "What is made from a template is none itself.");
        else if (Find(uuid, tenant, scope.Snapshot) is { } template)
            return Counted(TemplateExpansion.Of(TemplateRows.Read(scope.Snapshot, catalog, template), row, name, pointer), scope);
        else
            scope.Fail(place, ProblemKind.UnknownReference, "There is no such template.");
        return null;
    }

    private Expansion Counted(Expansion expansion, WriteScope scope)
    {
        scope.FromTemplates += 1 + expansion.Volumes.Count + expansion.Children.Sum(row => 1 + row.Children.Count);
        return scope.FromTemplates <= maxRows
            ? expansion
            : throw new ProblemException(ProblemKind.TooLarge, $"Templates make at most {maxRows} rows in one request.");
    }

    // Whoever makes an instance of a tenant reads the tenant's own, and everybody those of nobody.
    private InstanceDesired? Find(Guid uuid, string? tenant, StateSnapshot snapshot) =>
        snapshot[catalog["instance"]].Find(RowKey.Of(uuid.ToString()))?.Desired is InstanceDesired { Template: true } template
            && (template.Tenant is null || template.Tenant.ToString() == tenant)
            ? template
            : null;
}
