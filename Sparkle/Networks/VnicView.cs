using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Networks;

/// <summary>
/// Derives how a card is from what the host of its port reports, so that its owner sees one answer without knowing the host.
/// Owned by the control loop.
/// </summary>
/// <remarks>What a silent host last said is shown with its age, never as something else.</remarks>
internal sealed class VnicView(NetworkRows rows) : IControlFeature
{
    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        foreach (var vnic in Concerned(changes))
        {
            if (changes.After[rows.Vnic].Find(vnic) is { } row)
                yield return new RowChange(rows.Vnic, vnic, RowPart.Current, Describe(changes.After, row));
        }
    }

    private HashSet<RowKey> Concerned(ChangeSet changes)
    {
        var vnics = new HashSet<RowKey>();
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Vnic)
            {
                if (transition.Changed(RowPart.Desired))
                    vnics.Add(transition.Key);
            }
            else if (transition.Entity == rows.HostVnic)
                vnics.Add(RowKey.Of(transition.Key.Parts[1]));
            else if (transition.Entity == rows.Port)
            {
                if (HostOf(transition.Before) != HostOf(transition.After))
                    vnics.Add(transition.Key);
            }
            else if (transition.Entity == rows.Instance)
            {
                if (IsTemplate(transition.Before) != IsTemplate(transition.After))
                    vnics.UnionWith(rows.CardsOf(changes.After, transition.Key).Select(card => RowKey.Of(card.Uuid)));
            }
            else if (transition.Entity == rows.Host && LastSeen(transition.Before) != LastSeen(transition.After))
                vnics.UnionWith(changes.After[rows.Port].Where("host", transition.Key).Select(port => port.Key));
        }
        return vnics;
    }

    /// <summary>Null for a card that nobody wants any more, and for one of a template, which is nowhere.</summary>
    private VnicCurrent? Describe(StateSnapshot state, Row vnic)
    {
        if (vnic.Desired is not VnicDesired card || IsTemplate(state[rows.Instance].Find(card.Instance)) is true)
            return null;
        if (rows.PortOf(state, vnic.Key) is not { Host: var host })
            return new VnicCurrent { Uuid = card.Uuid, Status = LinkStatus.Missing, Why = "Its instance is on no host." };
        var since = LastSeen(state[rows.Host].Find(host));
        if (state[rows.HostVnic].Find(RowKey.Of(host.ToString(), card.Uuid.ToString()))?.Current is not HostVnicCurrent reported)
        {
            return new VnicCurrent
            {
                Uuid = card.Uuid,
                Status = LinkStatus.Missing,
                Why = "Its host has not reported it yet.",
                StaleSince = since,
            };
        }
        return new VnicCurrent
        {
            Uuid = card.Uuid,
            Status = reported.Status,
            Mtu = reported.Mtu,
            RxBytes = reported.RxBytes,
            RxPackets = reported.RxPackets,
            TxBytes = reported.TxBytes,
            TxPackets = reported.TxPackets,
            Spoofed = reported.Spoofed,
            Refused = reported.Refused,
            Why = reported.Why,
            StaleSince = since,
        };
    }

    private static Guid? HostOf(Row? port) => (port?.Desired as SwitchPortDesired)?.Host;

    private static bool? IsTemplate(Row? instance) => (instance?.Desired as InstanceDesired)?.Template;

    private static DateTimeOffset? LastSeen(Row? host) => (host?.Current as HostCurrent)?.LastSeen;
}
