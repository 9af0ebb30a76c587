namespace PonyCloud.Sparkle.Api.Security;

/// <summary>A path that is about tokens.</summary>
/// <param name="Parent">What stands before it: empty, <c>tenant</c> or <c>user</c>.</param>
/// <param name="Key">The key of the tenant or of the user; null without one.</param>
public sealed record TokenPath(string Parent, string? Key)
{
    private const string Segment = "token";

    public static readonly TokenPath Own = new("", null);

    /// <summary>Null when the path is about something else.</summary>
    /// <param name="path">Below the root of the API, as it was sent.</param>
    public static TokenPath? Parse(ReadOnlySpan<char> path)
    {
        if (path.EndsWith("/"))
            path = path[..^1];
        if (path.SequenceEqual(Segment))
            return Own;
        if (!path.EndsWith("/" + Segment))
            return null;
        path = path[..^(Segment.Length + 1)];
        foreach (var parent in (ReadOnlySpan<string>)["tenant", "user"])
        {
            if (path.StartsWith(parent) && path.Length > parent.Length + 1 && path[parent.Length] == '/'
                && !path[(parent.Length + 1)..].Contains('/'))
                return new TokenPath(parent, Uri.UnescapeDataString(path[(parent.Length + 1)..]));
        }
        return null;
    }
}
