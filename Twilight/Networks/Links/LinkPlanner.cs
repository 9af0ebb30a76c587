using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>Links: what is in the way, what is missing, what is otherwise, what is left over.</summary>
internal sealed class LinkPlanner(PlanDraft draft)
{
    /// <summary>What a bridge of the host is to be, so that the host has no address on it that it chose or was told by itself.</summary>
    private static readonly (string Name, string Value)[] Quiet = [("addr_gen_mode", "1"), ("accept_ra", "0")];

    /// <summary>Takes away what must be made anew, and leftovers that have the place of what is to be.</summary>
    public void ClearTheWay()
    {
        foreach (var (space, state) in draft.Wanted.Namespaces)
        {
            foreach (var wanted in state.Links.Values.Where(link => link.IsOurs && !draft.IsObstructed(space, link.Name)))
            {
                var actual = draft.Find(space, wanted.Name);
                if (actual is not null && !LinkDifference.MustBeMadeAnew(wanted, actual))
                    continue;
                if (actual is not null)
                    Remove(space, wanted.Name);
                if (wanted.Vlan is null && wanted.Vxlan is null)
                    continue;
                foreach (var other in draft.Model.Find(space)!.Links.Values.Where(other => LinkDifference.Exclude(wanted, other)).ToList())
                    Remove(space, other.Name);
            }
        }
    }

    /// <summary>Makes the links of a namespace be as they are to be.</summary>
    public void Make(string space)
    {
        var wanted = draft.Wanted[space].Links.Values.Where(link => !draft.IsObstructed(space, link.Name)).ToLookup(link => link.IsOurs ? link.Kind : LinkKind.Card);
        SetSysctls(space, link: null);
        // Bonds and bridges stand on nothing, and links become their ports as soon as they are made.
        foreach (var link in wanted[LinkKind.Bridge].Concat(wanted[LinkKind.Bond]))
            AddMissing(space, link);
        foreach (var link in wanted[LinkKind.Bridge])
            SetSysctls(space, link.Name);
        foreach (var link in wanted[LinkKind.Bond])
            ReleaseOthers(space, link);
        foreach (var link in wanted[LinkKind.Bond])
            Change(space, link);
        foreach (var link in wanted[LinkKind.Bridge].Concat(wanted[LinkKind.Card]))
            Change(space, link);
        foreach (var kind in (LinkKind[])[LinkKind.Vlan, LinkKind.Vxlan, LinkKind.Veth, LinkKind.Tap])
        {
            foreach (var link in wanted[kind])
            {
                AddMissing(space, link);
                Change(space, link);
            }
        }
        foreach (var link in draft.Wanted[space].Sysctls.Keys.Select(SysctlNames.LinkOf).OfType<string>().Distinct())
            SetSysctls(space, link);
    }

    /// <summary>Takes away what the platform made and nobody wants any more.</summary>
    public void RemoveLeftovers()
    {
        foreach (var space in draft.Model.Namespaces.ToList())
        {
            if (draft.Model.Find(space) is not { IsBroken: false } there)
                continue;
            foreach (var link in there.Links.Values.Where(link => Leftover.Is(draft, space, link)).ToList())
            {
                // The other end of a cable goes with the first.
                if (draft.Find(space, link.Name) is null)
                    continue;
                if (Obstruction.WhyNotAway(draft, space, link.Name) is { } stays)
                    draft.Obstruct(space, link.Name, $"It is not needed any more, and {stays}");
                else
                    Remove(space, link.Name);
            }
        }
    }

    private void Remove(string space, string link)
    {
        foreach (var above in draft.Model.Find(space)!.Above(link).ToList())
            Remove(space, above.Name);
        if (draft.Find(space, link) is not null)
            draft.Add(new NetworkStep.RemoveLink(space, link), link);
    }

    private void AddMissing(string space, Link wanted)
    {
        if (draft.Find(space, wanted.Name) is not null)
            return;
        var link = wanted with { Mtu = LinkDifference.Mtu(wanted, MtuMaxOf(space, wanted)) };
        // A bridge comes up when it has been told to be quiet, and a port of a bond is set down first.
        if (wanted.Kind == LinkKind.Bridge)
            link = link with { IsUp = null };
        var peer = wanted.Veth is { } cable ? draft.WantedLink(cable.PeerNamespace, cable.Peer) ?? new Link { Name = cable.Peer, Kind = LinkKind.Veth } : null;
        draft.Add(new NetworkStep.AddLink(space, link, peer), wanted.Name);
    }

    private void Change(string space, Link wanted)
    {
        if (draft.Find(space, wanted.Name) is not { } actual)
            return;
        if (wanted.Bond is not null && wanted.IsOurs)
            ChangeBond(space, wanted, wanted.Bond);
        if (wanted.Master is { Length: > 0 } master && master != actual.Master && draft.Find(space, master)?.Kind == LinkKind.Bond)
            Enslave(space, wanted, master);
        else if (wanted.Master is null && actual.Master is { Length: > 0 } lost && IsLeftoverBond(space, lost))
            Set(space, wanted, new Link { Name = wanted.Name, Kind = wanted.Kind, Master = "" });
        // Being freed of a bond sets a link down, and what else a step changes is seen only after it.
        for (var pass = 0; pass < 3 && LinkDifference.Of(wanted, draft.Find(space, wanted.Name)!, MtuMaxOf(space, wanted)) is { } change; pass++)
        {
            if (!draft.Add(new NetworkStep.ChangeLink(space, change), wanted.Name))
                return;
        }
    }

    /// <summary>What a bond of the platform's consists of is the platform's business, also when somebody else made it so.</summary>
    private void ReleaseOthers(string space, Link bond)
    {
        foreach (var port in draft.Model.Find(space)!.PortsOf(bond.Name).Where(port => draft.WantedLink(space, port.Name)?.Master != bond.Name).ToList())
            Release(space, port);
    }

    private void ChangeBond(string space, Link wanted, BondSettings bond)
    {
        var actual = draft.Find(space, wanted.Name)!;
        if (LinkDifference.AreEqual(bond, actual.Bond))
            return;
        if (actual.Bond?.Mode != bond.Mode)
        {
            foreach (var port in draft.Model.Find(space)!.PortsOf(wanted.Name).ToList())
                Release(space, port);
        }
        var isLacp = bond.Mode == BondMode.Lacp;
        var change = new NetworkStep.ChangeBond(
            space, wanted.Name, bond.Mode != actual.Bond?.Mode ? bond.Mode : null, isLacp && bond.LacpRate != actual.Bond?.LacpRate ? bond.LacpRate : null,
            isLacp && bond.XmitHashPolicy != actual.Bond?.XmitHashPolicy ? bond.XmitHashPolicy : null);
        var mustBeDown = actual.IsUp == true && (change.Mode is not null || change.LacpRate is not null);
        if (mustBeDown)
            Set(space, wanted, new Link { Name = wanted.Name, Kind = wanted.Kind, IsUp = false });
        draft.Add(change, wanted.Name);
        if (mustBeDown && wanted.IsUp != false)
            Set(space, wanted, new Link { Name = wanted.Name, Kind = wanted.Kind, IsUp = true });
    }

    private void Enslave(string space, Link wanted, string master)
    {
        var actual = draft.Find(space, wanted.Name)!;
        if (actual.Master is { Length: > 0 })
            Release(space, actual);
        if (draft.Find(space, wanted.Name)!.IsUp == true)
            Set(space, wanted, new Link { Name = wanted.Name, Kind = wanted.Kind, IsUp = false });
        Set(space, wanted, new Link { Name = wanted.Name, Kind = wanted.Kind, Master = master });
    }

    private void Release(string space, Link port) => Set(space, port, new Link { Name = port.Name, Kind = port.Kind, Master = "" });

    private void Set(string space, Link link, Link change) => draft.Add(new NetworkStep.ChangeLink(space, change), link.Name);

    private bool IsLeftoverBond(string space, string master) =>
        draft.Find(space, master) is { Kind: LinkKind.Bond } bond && draft.IsOurs(space, bond) && draft.WantedLink(space, master) is null;

    private int? MtuMaxOf(string space, Link link) => (link.Vlan?.Parent ?? link.Vxlan?.Device) is { } below && draft.Find(space, below)?.Mtu is { } mtu
        ? link.Vxlan is { } vxlan ? mtu - KernelModel.OverheadOf(vxlan) : mtu
        : null;

    /// <summary>Those of a link, or of the namespace.</summary>
    private void SetSysctls(string space, string? link)
    {
        if (link is not null && (draft.Find(space, link) is null || draft.IsObstructed(space, link)))
            return;
        var wanted = draft.Wanted[space].Sysctls.Where(sysctl => SysctlNames.LinkOf(sysctl.Key) == link).Select(sysctl => (Name: sysctl.Key, sysctl.Value));
        if (link is not null && space == NetworkState.Host && draft.WantedLink(space, link) is { IsOurs: true, Kind: LinkKind.Bridge })
        {
            wanted = Quiet.Select(quiet => (Name: SysctlNames.Ipv6(link, quiet.Name), quiet.Value))
                .Where(quiet => !draft.Wanted[space].Sysctls.ContainsKey(quiet.Name)).Concat(wanted);
        }
        foreach (var (name, value) in wanted)
        {
            if (draft.Model.Find(space)!.Sysctls.GetValueOrDefault(name) != value)
                draft.Add(new NetworkStep.SetSysctl(space, name, value), link ?? "");
        }
    }
}
