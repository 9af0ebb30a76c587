using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>From what is to what is to be. Pure; the README of the room says what order the steps have and why.</summary>
public static class NetworkPlanner
{
    /// <summary>An obstacle that goes with a leftover may have hidden another one; more than a few of them do not stand in a row.</summary>
    private const int RoundsMax = 8;

    /// <summary>The steps to take, and what prevents others.</summary>
    /// <param name="actual">As a scan found it.</param>
    /// <param name="wanted">As <see cref="NetworkState"/> says what is wanted.</param>
    public static NetworkPlan Plan(NetworkState actual, NetworkState wanted)
    {
        var draft = Draft(actual, wanted);
        var steps = draft.Plan.Steps.ToList();
        // What somebody else put on a leftover was in the way only as long as that was there.
        for (var round = 1; round < RoundsMax && draft.HasObstacles; round++)
        {
            draft = Draft(draft.Model.State, wanted);
            if (draft.Plan.Steps.Count == 0)
                break;
            steps.AddRange(draft.Plan.Steps);
        }
        return new NetworkPlan(steps, draft.Plan.Obstacles);
    }

    private static PlanDraft Draft(NetworkState actual, NetworkState wanted)
    {
        var draft = new PlanDraft(actual, wanted);
        AddNamespaces(draft);
        Obstruction.Find(draft);
        var links = new LinkPlanner(draft);
        links.ClearTheWay();
        foreach (var space in wanted.Namespaces.Keys)
        {
            links.Make(space);
            AddressingPlanner.Make(draft, space);
        }
        links.RemoveLeftovers();
        RemoveNamespaces(draft);
        return draft;
    }

    private static void RemoveNamespaces(PlanDraft draft)
    {
        foreach (var space in draft.Model.Namespaces.Where(space => IsLeftover(space, draft.Wanted)).ToList())
        {
            // With it goes the other end of a cable that leads out of it.
            var stays = draft.Model.Find(space)!.Links.Keys.Select(link => Obstruction.WhyNotAway(draft, space, link)).FirstOrDefault(why => why is not null);
            if (stays is null)
                draft.Add(new NetworkStep.RemoveNamespace(space), "");
            else
                draft.Obstruct(space, "", $"Namespace {space} is not needed any more, and {stays}");
        }
    }

    internal static bool IsLeftover(string space, NetworkState wanted) =>
        space.StartsWith(Marks.Namespace, StringComparison.Ordinal) && !wanted.Namespaces.ContainsKey(space);

    private static void AddNamespaces(PlanDraft draft)
    {
        foreach (var space in draft.Wanted.Namespaces.Keys)
        {
            if (draft.Model.Find(space) is { IsBroken: true })
                draft.Add(new NetworkStep.RemoveNamespace(space), "");
            if (draft.Model.Find(space) is null)
                draft.Add(new NetworkStep.AddNamespace(space), "");
        }
    }
}
