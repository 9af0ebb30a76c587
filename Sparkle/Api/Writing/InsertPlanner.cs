using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Turns the new rows of a request into writes.</summary>
internal sealed class InsertPlanner(EntityCatalog catalog, RecordReader records)
{
    private readonly IReadOnlyList<Entity> _order = catalog.InDependencyOrder;

    /// <summary>Every row behind those that it refers to. What the request got wrong is in the scope afterwards.</summary>
    public List<PlannedWrite> Plan(List<Draft> drafts, WriteScope scope)
    {
        var writes = new List<PlannedWrite>(drafts.Count);
        foreach (var draft in drafts)
        {
            var before = scope.Errors.Count;
            var record = records.ReadNew(draft, scope);
            if (draft.Key is null && scope.Errors.Count == before)
            {
                scope.Fail(
                    $"{draft.Pointer}/desired/{draft.Node.KeyColumn}", ProblemKind.BadFormat, $"{draft.Node.KeyColumn} cannot be a key.");
            }
            if (draft.Origin is not null)
                scope.Blame(draft.Origin, draft.Pointer, before);
            writes.Add(new PlannedWrite(new RowWrite.Insert(draft.Node.Entity, record), draft.Pointer, draft.Origin));
        }
        return [.. writes.OrderBy(write => Order(write.Write.Entity))];
    }

    /// <summary>The place of the entity among those with a table, every one behind those that it refers to.</summary>
    public int Order(Entity entity)
    {
        for (var i = 0; i < _order.Count; i++)
        {
            if (_order[i] == entity)
                return i;
        }
        throw new InvalidOperationException($"{entity.Name} has no table.");
    }
}
