using Newtonsoft.Json.Linq;

namespace PonyCloud.Sparkle.Api.Json;

/// <summary>JSON Merge Patch (RFC 7396).</summary>
public static class MergePatch
{
    /// <summary>The target as the patch makes it; an object that is changed is the one that was given.</summary>
    /// <param name="target">Null when there is none yet. It is changed.</param>
    public static JToken Apply(JToken? target, JToken patch)
    {
        if (patch is not JObject changes)
            return patch.DeepClone();
        var result = target as JObject ?? [];
        foreach (var change in changes.Properties())
        {
            if (change.Value.Type == JTokenType.Null)
            {
                result.Remove(change.Name);
                continue;
            }
            var before = result[change.Name];
            var after = Apply(before, change.Value);
            if (!ReferenceEquals(before, after))
                result[change.Name] = after;
        }
        return result;
    }
}
