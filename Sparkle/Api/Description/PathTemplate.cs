using System.Text;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Api.Description;

/// <summary>A key in the path to a mount.</summary>
/// <param name="Name">Unique within the path.</param>
/// <param name="Node">The mount whose row the key names.</param>
/// <param name="Column">The column of the row that has the key.</param>
public sealed record PathParameter(string Name, ResourceNode Node, Column Column);

/// <summary>The path to the rows of a mount, with names for the keys in it.</summary>
public sealed record PathTemplate(string Collection, string Row, IReadOnlyList<PathParameter> Parameters)
{
    /// <summary>Such as <c>/tenant/{tenant}/instance/{instance}</c>.</summary>
    public static PathTemplate Of(ResourceNode node)
    {
        var nodes = new Stack<ResourceNode>();
        for (var at = node; at is not null; at = at.Parent)
            nodes.Push(at);
        var parameters = new List<PathParameter>();
        var path = new StringBuilder();
        var collection = "";
        foreach (var at in nodes)
        {
            collection = path.Append('/').Append(at.Segment).ToString();
            // A relation's own key is the other side that it relates.
            var name = at.Entity.KeyColumns.Count == 1 ? at.Entity.Name : at.KeyColumn;
            while (parameters.Any(parameter => parameter.Name == name))
                name = $"{at.Segment.Replace('-', '_')}_{name}";
            parameters.Add(new PathParameter(name, at, (at.Entity.Desired ?? at.Entity.Current)!.Column(at.KeyColumn)!));
            path.Append("/{").Append(name).Append('}');
        }
        return new PathTemplate(collection, path.ToString(), parameters);
    }
}
