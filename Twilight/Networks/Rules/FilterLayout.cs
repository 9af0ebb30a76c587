using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Twilight.Networks.Rules;

/// <summary>From the cards, switches and groups of a host to the table. Pure.</summary>
public static class FilterLayout
{
    /// <exception cref="ArgumentException">A name or address is none, or a card is on no switch.</exception>
    public static FilterRules Of(FilterInput input)
    {
        var table = new TableBuilder(input.TracksConnections, input.Cards.Count);
        var switches = input.Switches.ToDictionary(carried => carried.Bridge, StringComparer.Ordinal);
        var groups = new GroupChains(input, switches);
        var cards = input.Cards.Select(card => (Card: card, Switch: switches.GetValueOrDefault(card.Bridge)
            ?? throw new ArgumentException($"Card {card.Vnic} is on no switch of this host.", nameof(input)))).ToList();
        var tracked = cards.Where(card => card.Card is { Groups.Count: > 0, IsUp: true }).Select(card => card.Card.Bridge).ToHashSet(StringComparer.Ordinal);
        var zones = Zones(tracked);

        foreach (var carried in input.Switches)
            AddSwitch(table, carried);
        foreach (var (card, carried) in cards)
            AddCard(table, groups, card, carried);
        if (input.TracksConnections)
        {
            foreach (var (port, bridge) in cards.Select(card => (card.Card.Tap, card.Card.Bridge)).Concat(input.Switches.SelectMany(Ports)))
            {
                if (zones.TryGetValue(bridge, out var zone))
                    table.Add(BaseChains.Zones, FilterNames.Quoted(port), zone.ToString(CultureInfo.InvariantCulture));
                else
                    table.Add(BaseChains.Untracked, FilterNames.Quoted(port));
            }
        }
        groups.AddTo(table);
        return table.Build();
    }

    private static IEnumerable<(string Port, string Bridge)> Ports(FilterSwitch carried)
    {
        if (carried.Service is { } service)
            yield return (service, carried.Bridge);
        if (carried.Outside is { } outside)
            yield return (outside, carried.Bridge);
    }

    private static void AddSwitch(TableBuilder table, FilterSwitch carried)
    {
        if (carried.Service is { } service)
        {
            AddPort(table, service, "accept");
            table.Add(BaseChains.Services, FilterNames.Quoted(service));
            table.Add(BaseChains.Receives, FilterNames.Quoted(service), BaseChains.ToService);
        }
        if (carried.Outside is { } outside)
        {
            AddPort(table, outside, BaseChains.FromOutside);
            table.Add(BaseChains.Outsides, FilterNames.Quoted(outside));
            table.Add(BaseChains.Receives, FilterNames.Quoted(outside), carried.IsVxlan ? BaseChains.ToFabric : BaseChains.ToLan);
            AddTags(table, outside, carried);
        }
    }

    private static void AddCard(TableBuilder table, GroupChains groups, FilterCard card, FilterSwitch carried)
    {
        var tap = FilterNames.Quoted(card.Tap);
        table.Add(BaseChains.Spoofed, tap);
        if (!card.IsUp)
        {
            AddPort(table, card.Tap, "drop");
            table.Add(BaseChains.Receives, tap, "drop");
            return;
        }
        AddPort(table, card.Tap, carried.HasNetworks ? BaseChains.FromCard : BaseChains.FromPlain);
        table.Add(BaseChains.Hardware, $"{tap} . {FilterNames.HardwareAddress(card.HardwareAddress)}");
        if (carried.Service is not null)
            table.Add(BaseChains.Served, tap);
        if (carried.HasNetworks)
            AddAddresses(table, card, carried);
        if (card.OutMbit is { } rate)
        {
            table.Add(BaseChains.Policed, tap, $"jump police_{card.Tap}");
            table.AddChain($"police_{card.Tap}", Policing(rate));
        }
        if (card.Groups.Count > 0)
        {
            table.Add(BaseChains.Refused, tap);
            groups.AddCard(table, card);
        }
    }

    private static void AddAddresses(TableBuilder table, FilterCard card, FilterSwitch carried)
    {
        var tap = FilterNames.Quoted(card.Tap);
        var linkLocal = FilterNames.Bits(FilterNames.LinkLocal(card.HardwareAddress));
        AddTags(table, card.Tap, carried);
        table.Add(BaseChains.Addresses6, $"{tap} . {linkLocal}");
        foreach (var tag in carried.Tags)
            table.Add(BaseChains.Tagged6, $"{tap} . {Text(tag)} . {linkLocal}");
        foreach (var given in card.Addresses)
        {
            var address = FilterNames.Address(given.Address);
            var key = given.Tag is { } tag ? $"{tap} . {Text(tag)}" : tap;
            if (FilterNames.IsIpv6(address))
                table.Add(given.Tag is null ? BaseChains.Addresses6 : BaseChains.Tagged6, $"{key} . {FilterNames.Bits(address)}");
            else
                table.Add(given.Tag is null ? BaseChains.Addresses4 : BaseChains.Tagged4, $"{key} . {address}");
        }
    }

    private static void AddPort(TableBuilder table, string port, string verdict)
    {
        table.Add(BaseChains.Ports, FilterNames.Quoted(port), verdict);
        table.Add(BaseChains.Guarded, FilterNames.Quoted(port));
    }

    private static void AddTags(TableBuilder table, string port, FilterSwitch carried)
    {
        foreach (var tag in carried.Tags)
            table.Add(BaseChains.Tags, $"{FilterNames.Quoted(port)} . {Text(tag)}");
    }

    /// <summary>The kernel lets a second's worth pass at once, and the burst. It counts neither above 2^64 billionths of a byte.</summary>
    private static string Policing(int mbit)
    {
        const long Burst = 64 * 1024;
        const long RateMax = 18_000_000_000;
        return $"limit rate over {Text(Math.Min(mbit * 1_000_000L / 8, RateMax))} bytes/second burst {Text(Burst)} bytes drop";
    }

    /// <summary>
    /// A zone for each switch, since switches have the same addresses for different things: a digest of its name, so that it stays the
    /// same whatever comes and goes beside it; the next free one where two have the same. 0 is the host's own.
    /// </summary>
    private static Dictionary<string, int> Zones(IEnumerable<string> bridges)
    {
        const int Count = ushort.MaxValue;
        var taken = new HashSet<int>();
        var zones = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var bridge in bridges.Order(StringComparer.Ordinal))
        {
            var digest = SHA256.HashData(Encoding.UTF8.GetBytes(bridge));
            var zone = (digest[0] << 8 | digest[1]) % Count;
            while (!taken.Add(zone))
                zone = (zone + 1) % Count;
            zones.Add(bridge, zone + 1);
        }
        return zones;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
