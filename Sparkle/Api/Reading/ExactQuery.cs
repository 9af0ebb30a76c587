using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>
/// Keeps parameters apart whose names differ in case only. The framework takes them for one, so a value of an unknown
/// parameter would count as one of a known.
/// </summary>
internal static class ExactQuery
{
    /// <summary>From here on the query of the request is looked at by exact names.</summary>
    public static void Set(HttpContext context)
    {
        if (!context.Request.QueryString.HasValue)
            return;
        var given = new List<(string Name, string Value)>();
        foreach (var parameter in new QueryStringEnumerable(context.Request.QueryString.Value))
            given.Add((parameter.DecodeName().ToString(), parameter.DecodeValue().ToString()));
        var query = given.GroupBy(parameter => parameter.Name, parameter => parameter.Value, StringComparer.Ordinal)
            .ToDictionary(values => values.Key, values => new StringValues([.. values]), StringComparer.Ordinal);
        context.Features.Set<IQueryFeature>(new QueryFeature(new QueryCollection(query)));
    }
}
