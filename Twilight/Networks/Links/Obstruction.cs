using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Finds what is wanted and cannot be, since something is in the way that the platform did not make, or is missing.</summary>
internal sealed class Obstruction
{
    private readonly PlanDraft _draft;

    private Obstruction(PlanDraft draft) => _draft = draft;

    public static void Find(PlanDraft draft)
    {
        var finder = new Obstruction(draft);
        // What stands on something that cannot be cannot be either, and so on.
        bool found;
        do
        {
            found = false;
            foreach (var (space, state) in draft.Wanted.Namespaces)
            {
                foreach (var link in state.Links.Values)
                {
                    if (draft.IsObstructed(space, link.Name) || finder.WhyNot(space, link) is not { } why)
                        continue;
                    draft.Obstruct(space, link.Name, why);
                    found = true;
                }
            }
        }
        while (found);
    }

    private string? WhyNot(string space, Link wanted)
    {
        var actual = _draft.Find(space, wanted.Name);
        if (!wanted.IsOurs)
            return actual is null ? $"There is no link {wanted.Name}." : WhyNotOn(space, wanted.Master);
        if (actual is not null && !_draft.IsOurs(space, actual))
            return $"A link {wanted.Name} is there, which the platform did not make.";
        var below = WhyNotOn(space, wanted.Vlan?.Parent) ?? WhyNotOn(space, wanted.Vxlan?.Device) ?? WhyNotOn(space, wanted.Master);
        if (below is not null)
            return below;
        if (wanted.Veth is { } cable && WhyNotTo(space, wanted, cable) is { } peer)
            return peer;
        if (actual is not null && !LinkDifference.MustBeMadeAnew(wanted, actual))
            return null;
        return actual is not null && WhyNotAway(space, actual.Name) is { } stays
            ? $"{wanted.Name} must be made anew, and {stays}"
            : WhyNotBeside(space, wanted);
    }

    private string? WhyNotOn(string space, string? below)
    {
        if (string.IsNullOrEmpty(below))
            return null;
        if (_draft.IsObstructed(space, below))
            return $"It needs {below}, which cannot be as it is to be.";
        if (_draft.WantedLink(space, below) is not null)
            return null;
        return _draft.Find(space, below) is { } link && !_draft.IsOurs(space, link) ? null : $"There is no link {below}.";
    }

    private string? WhyNotTo(string space, Link wanted, VethSettings cable)
    {
        if (_draft.IsObstructed(cable.PeerNamespace, cable.Peer))
            return $"It needs {cable.Peer}, which cannot be as it is to be.";
        if (_draft.WantedLink(cable.PeerNamespace, cable.Peer)?.Veth != new VethSettings(space, wanted.Name))
            return $"Its other end {cable.Peer} is not wanted.";
        return _draft.Find(cable.PeerNamespace, cable.Peer) is { } peer && !_draft.IsOurs(cable.PeerNamespace, peer) && peer.Veth != new VethSettings(space, wanted.Name)
            ? $"A link {cable.Peer} is there, which the platform did not make."
            : null;
    }

    /// <summary>Whether somebody else has what only one can have.</summary>
    private string? WhyNotBeside(string space, Link wanted)
    {
        foreach (var other in wanted.Vlan is null && wanted.Vxlan is null ? [] : _draft.Model.Find(space)!.Links.Values)
        {
            if (other.Name == wanted.Name || !LinkDifference.Exclude(wanted, other))
                continue;
            if (!_draft.IsOurs(space, other))
                return $"{other.Name} has its place, which the platform did not make.";
            if (_draft.WantedLink(space, other.Name) is { } there && LinkDifference.Exclude(wanted, there))
                return $"{other.Name} is to be the same.";
            if (WhyNotAway(space, other.Name) is { } stays)
                return $"{other.Name} has its place, and {stays}";
        }
        return null;
    }

    /// <summary>Why a link of the platform's own cannot be taken away; null when it can.</summary>
    internal static string? WhyNotAway(PlanDraft draft, string space, string name) =>
        WhyNotFrom(draft, space, name)
        // The other end of a cable goes too, and what stands on that.
        ?? (draft.Find(space, name)?.Veth is { } cable && draft.Model.Find(cable.PeerNamespace) is not null ? WhyNotFrom(draft, cable.PeerNamespace, cable.Peer) : null);

    private static string? WhyNotFrom(PlanDraft draft, string space, string name)
    {
        foreach (var above in draft.Model.Find(space)!.Above(name))
        {
            if (!draft.IsOurs(space, above))
                return $"{above.Name} stands on it, which the platform did not make.";
            if (WhyNotFrom(draft, space, above.Name) is { } why)
                return why;
        }
        return null;
    }

    private string? WhyNotAway(string space, string name) => WhyNotAway(_draft, space, name);
}
