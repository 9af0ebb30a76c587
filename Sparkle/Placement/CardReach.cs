using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Networks;

namespace PonyCloud.Sparkle.Placement;

/// <summary>Which hosts can carry the network cards of instances, counted anew from the rows each time.</summary>
internal sealed class CardReach
{
    private readonly NetworkRows _rows;
    private readonly StateSnapshot _state;
    private readonly HashSet<Guid> _virtual = [];
    private readonly HashSet<Guid> _public = [];

    public CardReach(NetworkRows rows, StateSnapshot state)
    {
        _rows = rows;
        _state = state;
        foreach (var role in state[rows.NetRole].Rows.Select(row => row.Desired).OfType<NetRoleDesired>())
        {
            var hosts = role.Role switch
            {
                NetRole.Virtual => _virtual,
                NetRole.Public => _public,
                _ => null,
            };
            if (hosts is not null && rows.HostOf(state, role.Bond) is { } host)
                hosts.Add(host);
        }
    }

    /// <summary>Whether a change of the entity's orders may let an instance be carried.</summary>
    public static bool Concerns(NetworkRows rows, Entity entity) => entity == rows.NetRole || entity == rows.Bond || entity == rows.Vnic;

    /// <summary>
    /// The hosts with a role virtual, for an instance with cards; null for every host. While none has such a role nobody
    /// described the network yet, and instances do not wait for that.
    /// </summary>
    public IReadOnlySet<Guid>? HostsOf(Guid instance) =>
        _virtual.Count > 0 && _rows.CardsOf(_state, RowKey.Of(instance)).Any() ? _virtual : null;

    /// <summary>The hosts that lead to the world outside, for an instance on a switch of which the platform routes a network.</summary>
    public IReadOnlySet<Guid> PreferredOf(Guid instance) =>
        _rows.CardsOf(_state, RowKey.Of(instance)).Any(card => _rows.IsRouted(_state, card.Switch)) ? _public : new HashSet<Guid>();
}
