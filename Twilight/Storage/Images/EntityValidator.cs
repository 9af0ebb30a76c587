using System.Net.Http.Headers;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// By what a server tells one content from another, byte for byte (RFC 9110, 8.8): a strong entity tag, or a time of the
/// last modification that was long enough ago that there cannot have been two in it.
/// </summary>
internal sealed record EntityValidator(EntityTagHeaderValue? Tag, DateTimeOffset? LastModified)
{
    private static readonly TimeSpan LongEnough = TimeSpan.FromMinutes(1);

    public RangeConditionHeaderValue IfRange =>
        Tag is not null ? new RangeConditionHeaderValue(Tag) : new RangeConditionHeaderValue(LastModified!.Value);

    /// <returns>Null when the server gave none, or only a weak one.</returns>
    public static EntityValidator? Of(HttpResponseMessage response)
    {
        if (response.Headers.ETag is { IsWeak: false } tag)
            return new EntityValidator(tag, null);
        return response.Content.Headers.LastModified is { } modified && response.Headers.Date - modified >= LongEnough
            ? new EntityValidator(null, modified)
            : null;
    }
}
