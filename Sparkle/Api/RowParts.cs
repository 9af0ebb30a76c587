using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api;

/// <summary>How a row reads at a mount: the one form that answers and the stream of changes have in common.</summary>
public sealed class RowParts(ResourceTree tree)
{
    private readonly Entity _hosts = tree.Catalog["host"];

    /// <summary>Writes the property <c>desired</c>, if there is such a part.</summary>
    public static void WriteDesired(Utf8JsonWriter json, ResourceNode node, Row row)
    {
        if (row.Desired is not { } desired)
            return;
        json.WritePropertyName("desired"u8);
        node.Write(json, RowPart.Desired, desired);
    }

    /// <summary>Writes the property <c>current</c>, if there is such a part, and how old it is if the host is silent.</summary>
    public void WriteCurrent(Utf8JsonWriter json, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        if (row.Current is not { } current)
            return;
        json.WritePropertyName("current"u8);
        node.Write(json, RowPart.Current, current);
        WriteStaleness(json, snapshot, node, row);
    }

    /// <summary>Writes how old the current part is if the host that reported it is silent.</summary>
    public void WriteStaleness(Utf8JsonWriter json, StateSnapshot snapshot, ResourceNode node, Row row)
    {
        if (StaleSince(snapshot, node.Entity, row) is not { } since)
            return;
        json.WritePropertyName("stale_since"u8);
        JsonSerializer.Serialize(json, since, RowJson.Options);
    }

    /// <summary>Rows that read differently although they did not change, since their host fell silent or was heard of again.</summary>
    public IEnumerable<(Entity Entity, Row Row)> AgedBy(RowTransition transition, StateSnapshot after)
    {
        if (transition.Entity != _hosts || SilentSince(transition.Before) == SilentSince(transition.After))
            yield break;
        var host = transition.Key.Text;
        foreach (var entity in tree.Catalog.All)
        {
            if (entity.ReportedBy is not { } by || entity == _hosts)
                continue;
            var rows = entity.Indexes.Contains(by) ? after[entity].Where(by, host) : after[entity].Rows;
            foreach (var row in rows)
            {
                if (row.Current is not null && entity.ReporterOf(row.Key) == host)
                    yield return (entity, row);
            }
        }
    }

    // What a silent host reported last is the best that is known, and says how old it is.
    private DateTimeOffset? StaleSince(StateSnapshot snapshot, Entity entity, Row row)
    {
        if (entity.ReportedBy is null)
            return null;
        if (entity == _hosts)
            return SilentSince(row);
        return entity.ReporterOf(row.Key) is { } host ? SilentSince(snapshot[_hosts].Find(RowKey.Of(host))) : null;
    }

    private static DateTimeOffset? SilentSince(Row? host) =>
        host?.Current is HostCurrent { Status: HostStatus.Unreachable } silent ? silent.LastSeen : null;
}
