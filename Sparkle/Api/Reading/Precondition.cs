using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace PonyCloud.Sparkle.Api.Reading;

/// <summary>
/// What a request demands of the tag of what its path names (RFC 9110, section 13). A read compares the whole tag. A
/// write compares the desired half only: what a host reports meanwhile contradicts no order.
/// </summary>
public sealed class Precondition
{
    private readonly IList<EntityTagHeaderValue>? _match;
    private readonly IList<EntityTagHeaderValue>? _noneMatch;

    private Precondition(IList<EntityTagHeaderValue>? match, IList<EntityTagHeaderValue>? noneMatch)
    {
        _match = match;
        _noneMatch = noneMatch;
    }

    /// <summary>Whether it is about certain versions, and not only about there being a row.</summary>
    public bool NamesVersion => _match is not null && !_match.Contains(EntityTagHeaderValue.Any);

    /// <summary>Null when the request demands nothing.</summary>
    /// <exception cref="ProblemException">A header is malformed.</exception>
    public static Precondition? Of(HttpRequest request)
    {
        var match = request.Headers.IfMatch;
        var noneMatch = request.Headers.IfNoneMatch;
        return match.Count == 0 && noneMatch.Count == 0
            ? null
            : new Precondition(Tags(match, HeaderNames.IfMatch), Tags(noneMatch, HeaderNames.IfNoneMatch));
    }

    public static ProblemException Failed(string why) => new(ProblemKind.PreconditionFailed, why);

    /// <summary>Whether the reader has the answer already.</summary>
    /// <exception cref="ProblemException">The row is not the one that is asked for.</exception>
    public bool IsAnswered(RowTag tag)
    {
        var text = tag.ToString();
        if (_match is not null && !_match.Any(wanted => IsAny(wanted) || (!wanted.IsWeak && wanted.Tag == text)))
            throw Failed("The row is no longer what If-Match asks for.");
        return _noneMatch is not null && _noneMatch.Any(known => IsAny(known) || known.Tag == text);
    }

    /// <param name="desired">The desired half of the tag of the row that is to be written; null for a collection, which has none.</param>
    /// <exception cref="ProblemException">It does not hold.</exception>
    public void RequireToWrite(string? desired)
    {
        if (_match is not null && !_match.Any(wanted => IsAny(wanted) || (!wanted.IsWeak && IsOf(wanted, desired))))
        {
            throw Failed(desired is null
                ? "A collection has no tag that If-Match could name."
                : "The desired part of the row is no longer what If-Match asks for.");
        }
        if (_noneMatch is not null && _noneMatch.Any(unwanted => IsAny(unwanted) || IsOf(unwanted, desired)))
            throw Failed("What If-None-Match excludes is there.");
    }

    private static bool IsAny(EntityTagHeaderValue tag) => tag.Equals(EntityTagHeaderValue.Any);

    private static bool IsOf(EntityTagHeaderValue tag, string? desired)
    {
        var text = tag.Tag.AsSpan().Trim('"');
        var dot = text.IndexOf('.');
        return desired is not null && dot >= 0 && text[..dot].SequenceEqual(desired);
    }

    private static IList<EntityTagHeaderValue>? Tags(StringValues header, string name)
    {
        if (header.Count == 0)
            return null;
        return EntityTagHeaderValue.TryParseStrictList(header!, out var tags)
            ? tags
            : throw new ProblemException(ProblemKind.MalformedRequest, $"{name} must be * or a list of entity tags, each in quotes.");
    }
}
