namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Which URIs lead anywhere, and how the next of them is found.</summary>
internal static class SourceUri
{
    /// <exception cref="ImageException">There is none, or none of a known form.</exception>
    public static Uri Parse(string? text)
    {
        if (text is null)
            throw ImageException.Refused("The image has no source_uri.");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || (!uri.IsFile && !IsHttp(uri))
            || !text.StartsWith($"{uri.Scheme}://", StringComparison.Ordinal) || uri.UserInfo.Length > 0)
        {
            throw ImageException.Refused("The image's source_uri is not a URI of http, https or file, without user and password.");
        }
        return uri;
    }

    /// <summary>Where a redirect leads.</summary>
    /// <exception cref="ImageException">Nowhere that it may.</exception>
    public static Uri Follow(Uri from, Uri? location)
    {
        if (location is null)
            throw ImageException.Refused($"{from.Host} redirects to nowhere.");
        if (!Uri.TryCreate(from, location, out var to) || !IsHttp(to) || to.UserInfo.Length > 0)
            throw ImageException.Refused($"{from.Host} redirects to something that is not http or https without user and password.");
        if (from.Scheme == Uri.UriSchemeHttps && to.Scheme != Uri.UriSchemeHttps)
            throw ImageException.Refused($"{from.Host} redirects from https to http.");
        return to;
    }

    /// <summary>For the log: a query may be a signature.</summary>
    public static string WithoutQuery(Uri uri) => uri.GetLeftPart(UriPartial.Path);

    private static bool IsHttp(Uri uri) => uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps;
}
