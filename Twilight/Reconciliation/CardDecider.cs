using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Reconciliation;

/// <summary>
/// What to do about the network cards of an instance whose domain is otherwise as ordered. One change at a time, in this order:
/// <code>
///   row        card of the domain
///   link L     the same card, with another link           SET LINK
///   none       there                                      UNPLUG, asked again with patience until the guest lets go
///   there      with another model or hardware address     UNPLUG, then PLUG
///   there      none                                       PLUG, once its tap device is ready
/// </code>
/// </summary>
/// <remarks>
/// A change that fails or that the guest resists leaves the instance what it is, and is said in its reason. Cards that
/// somebody else plugged in are left alone.
/// </remarks>
internal static class CardDecider
{
    /// <summary>Why the instance cannot be started yet; null when its cards are ready.</summary>
    internal static Decision? BeforeStart(Situation at, IReadOnlyList<InstanceCard> cards)
    {
        // What no waiting mends is said first.
        var worst = cards.Select(card => (Card: card, State: StateOf(card, at))).Where(card => card.State.Readiness != CardReadiness.Ready)
            .OrderByDescending(card => card.State.Readiness == CardReadiness.Broken).FirstOrDefault();
        return worst.State is null ? null : new Decision(
            null, worst.State.Readiness == CardReadiness.Broken ? InstanceStatus.Broken : InstanceStatus.Starting,
            WhyUnready(worst.Card, worst.State), LookAgainAt(worst.State, at));
    }

    internal static Decision WhileOn(Situation at, IReadOnlyList<InstanceCard> cards, InstanceStatus status)
    {
        InstanceAction? action = null;
        string? why = null;
        TimeSpan? wakeAt = null;
        foreach (var difference in Differences(at.Domain!, cards))
        {
            var trouble = at.Memory.Devices.TroubleOf(difference);
            var unready = difference is InstanceAction.Plug plug && StateOf(plug.Card, at) is { Readiness: not CardReadiness.Ready } state ? state : null;
            why ??= WhyNot(difference, trouble, unready);
            TimeSpan? notBefore = unready is not null ? LookAgainAt(unready, at) : trouble?.NotBefore;
            if (notBefore is null || notBefore <= at.Now)
                action ??= difference;
            else
                wakeAt = wakeAt is null || notBefore < wakeAt ? notBefore : wakeAt;
        }
        return new Decision(action, status, why, wakeAt);
    }

    /// <summary>Whether a change that is under way still leads to what is wanted.</summary>
    internal static bool IsStillWanted(InstanceAction.CardChange change, IReadOnlyList<InstanceCard> cards)
    {
        var wanted = cards.FirstOrDefault(card => card.Vnic == change.Vnic);
        return change switch
        {
            InstanceAction.Plug plug => wanted is not null && IsSame(wanted, plug.Card.HardwareAddress, CardXml.NameOf(plug.Card.Model)),
            InstanceAction.Unplug unplug => wanted is null || !IsSame(wanted, unplug.Card.HardwareAddress, unplug.Card.Model),
            InstanceAction.SetLink link => wanted?.IsUp == link.IsUp,
            _ => false,
        };
    }

    private static IEnumerable<InstanceAction.CardChange> Differences(ObservedDomain domain, IReadOnlyList<InstanceCard> cards)
    {
        var wanted = cards.ToDictionary(card => card.Vnic);
        var links = new List<InstanceAction.CardChange>();
        var unplugs = new List<InstanceAction.CardChange>();
        foreach (var seen in domain.Interfaces.Where(seen => seen.Vnic is not null))
        {
            var card = wanted.GetValueOrDefault(seen.Vnic!.Value);
            if (card is null || !IsSame(card, seen.HardwareAddress, seen.Model))
                unplugs.Add(new InstanceAction.Unplug(domain.Uuid, seen));
            else if (card.IsUp != seen.IsUp)
                links.Add(new InstanceAction.SetLink(domain.Uuid, seen, card.IsUp));
        }
        var plugs = cards.Where(card => domain.Interfaces.All(seen => seen.Vnic != card.Vnic))
            .Select(card => new InstanceAction.Plug(domain.Uuid, card));
        return links.Concat(unplugs).Concat(plugs);
    }

    private static bool IsSame(InstanceCard card, string? hardwareAddress, string? model) =>
        string.Equals(card.HardwareAddress, hardwareAddress, StringComparison.OrdinalIgnoreCase) && CardXml.NameOf(card.Model) == model;

    private static CardState StateOf(InstanceCard card, Situation at) => card.HardwareAddress is null
        ? new CardState(CardReadiness.Waiting, "it has no hardware address yet")
        : at.Cards.GetValueOrDefault(card.Vnic, CardState.Unknown);

    private static string? WhyNot(InstanceAction.CardChange change, DeviceTrouble? trouble, CardState? unready) => (change, trouble) switch
    {
        (InstanceAction.Plug plug, _) when unready is not null => WhyUnready(plug.Card, unready),
        (_, null) => null,
        (InstanceAction.Plug plug, { Why: not null }) when !PciPorts.IsSpare(plug.Card) =>
            $"{Named(plug.Card)} comes at the next start, since the guest has no place for it now.",
        (InstanceAction.Plug plug, { Why: { } failure }) => $"{Named(plug.Card)} could not be plugged in: {failure}",
        (InstanceAction.SetLink link, { Why: { } failure }) => $"The link of its card {link.Card.HardwareAddress} could not be set: {failure}",
        (InstanceAction.Unplug unplug, { Why: { } failure }) => $"Its card {unplug.Card.HardwareAddress} could not be unplugged: {failure}",
        (InstanceAction.Unplug unplug, _) =>
            $"The guest has not released its card {unplug.Card.HardwareAddress} yet; it is asked again, and loses it at its next start at the latest.",
        _ => null,
    };

    private static string WhyUnready(InstanceCard card, CardState state) =>
        $"{Named(card)}{(state.Readiness == CardReadiness.Broken ? "" : " is not ready")}: {state.Why}.";

    private static TimeSpan LookAgainAt(CardState state, Situation at) =>
        DeviceDecider.LookAgainAt(state.Readiness == CardReadiness.Broken, at.Now);

    private static string Named(InstanceCard card) => $"Its card {card.HardwareAddress ?? card.Vnic.ToString()}";
}
