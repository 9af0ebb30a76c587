using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>
/// Makes what is sent from what changed: each row at every place at which it is found, as a read of that place shows it.
/// A row also comes and goes with the rows that its path leads through.
/// </summary>
internal sealed class ChangeReader(ResourceTree tree, RowParts parts, Revisions revisions, JsonBuffers buffers)
{
    private const string BeforePath = "{\"path\":\"";

    /// <summary>A message that changes nothing, and says how far the reader is.</summary>
    public WatchMessage Mark(long revision)
    {
        var buffer = buffers.Get();
        try
        {
            var start = Begin(buffer, revision);
            return End(buffer, start);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    /// <summary>Null when nobody may read anything of it, and nobody's access depends on it.</summary>
    /// <param name="maxBytes">A larger set is not made.</param>
    /// <exception cref="ChangeTooLargeException">It would be larger.</exception>
    public PublishedSet? Read(StateSnapshot before, StateSnapshot after, IReadOnlyList<RowTransition> rows, int maxBytes)
    {
        var found = new PlaceFinder(tree, parts, before, after).Find(rows);
        var access = AccessChange.Of(rows);
        if (found.Count == 0 && access.IsEmpty)
            return null;
        var buffer = buffers.Get();
        try
        {
            var start = Begin(buffer, after.Revision);
            var published = ImmutableArray.CreateBuilder<PublishedRow>(found.Count);
            foreach (var change in found)
            {
                if (IsHidden(change, before, after))
                    continue;
                var rowStart = buffer.Bytes.WrittenCount + (published.Count == 0 ? 0 : 1);
                Write(buffer, change, after);
                published.Add(new PublishedRow(
                    change.Place.Node, change.Place.Tenant, change.Place.User, rowStart, buffer.Bytes.WrittenCount - rowStart,
                    rowStart + BeforePath.Length, change.Place.Path.Length));
                if (buffer.Bytes.WrittenCount > maxBytes)
                    throw new ChangeTooLargeException();
            }
            // Another password shows nowhere, and still ends streams.
            return published.Count == 0 && access.IsEmpty
                ? null
                : new PublishedSet(after.Revision, End(buffer, start), published.ToImmutable(), access);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    private int Begin(JsonBuffer buffer, long revision)
    {
        var text = revisions.TextOf(revision);
        Encoding.ASCII.GetBytes($"id: {text}\ndata: ", buffer.Bytes);
        var start = buffer.Bytes.WrittenCount;
        buffer.Json.WriteStartObject();
        buffer.Json.WriteString("revision"u8, text);
        buffer.Json.WriteStartArray("changes"u8);
        buffer.Json.Flush();
        return start;
    }

    private static WatchMessage End(JsonBuffer buffer, int start)
    {
        buffer.Json.WriteEndArray();
        buffer.Json.WriteEndObject();
        buffer.Json.Flush();
        var end = buffer.Bytes.WrittenCount;
        buffer.Bytes.Write("\n\n"u8);
        return new WatchMessage(buffer.Bytes.WrittenSpan.ToArray(), start, end - start);
    }

    private void Write(JsonBuffer buffer, PlacedChange change, StateSnapshot after)
    {
        var json = buffer.Json;
        json.WriteStartObject();
        json.WriteString("path"u8, change.Place.Path);
        json.WriteString("table"u8, change.Place.Node.Entity.Name);
        json.WritePropertyName("key"u8);
        change.Key.Write(json);
        if (change.After is { } row)
        {
            RowParts.WriteDesired(json, change.Place.Node, row);
            parts.WriteCurrent(json, after, change.Place.Node, row);
        }
        json.WriteEndObject();
        json.Flush();
    }

    // Whoever cannot see what changed is not told that something did.
    private bool IsHidden(PlacedChange change, StateSnapshot before, StateSnapshot after)
    {
        if (!change.Place.Node.HidesColumns || change is not { Before: { } old, After: { } now })
            return false;
        var left = buffers.Get();
        var right = buffers.Get();
        try
        {
            Write(left, change with { After = old }, before);
            Write(right, change with { After = now }, after);
            return left.Bytes.WrittenSpan.SequenceEqual(right.Bytes.WrittenSpan);
        }
        finally
        {
            buffers.Return(left);
            buffers.Return(right);
        }
    }
}

/// <summary>A change set is larger than any reader is sent.</summary>
internal sealed class ChangeTooLargeException : Exception;
