using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Links that the platform made and nobody wants any more.</summary>
internal static class Leftover
{
    public static bool Is(PlanDraft draft, string space, Link link) =>
        draft.WantedLink(space, link.Name) is null && draft.IsOurs(space, link)
        // The other end of a cable that is left as it is, and what such a link stands on, is left too.
        && !(link.Veth is { } cable && draft.IsObstructed(cable.PeerNamespace, cable.Peer))
        && !StandsUnderWanted(draft, space, link.Name);

    /// <summary>Whether it goes, and with it all that is on it.</summary>
    public static bool Goes(PlanDraft draft, string space, Link link) => Is(draft, space, link) && Obstruction.WhyNotAway(draft, space, link.Name) is null;

    private static bool StandsUnderWanted(PlanDraft draft, string space, string link) =>
        draft.HasObstacles && draft.Model.Find(space)!.Above(link)
            .Any(above => draft.WantedLink(space, above.Name) is not null || StandsUnderWanted(draft, space, above.Name));
}
