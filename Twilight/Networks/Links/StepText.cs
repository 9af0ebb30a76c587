using System.Globalization;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Links;

/// <summary>What makes a step.</summary>
internal enum StepTool
{
    Ip,

    /// <summary>Rules of IPv6, which look like those of IPv4.</summary>
    Ip6,
    Bridge,
    Sysctl,
}

/// <summary>A step as iproute2 and sysctl read it.</summary>
/// <param name="Lines">Of a batch; of sysctl, assignments.</param>
internal sealed record StepCommand(StepTool Tool, string Namespace, IReadOnlyList<string> Lines);

/// <summary>Says steps in the words of iproute2.</summary>
/// <remarks>
/// A batch knows no escapes: a word ends at white space unless it is in quotes, and # begins a comment wherever it is. So texts
/// that have such in them are refused, and nothing but an alias has spaces.
/// </remarks>
internal static class StepText
{
    /// <summary>A bridge keeps the MTU that it is set to, but not the one that it is made with; and being set to what it has is nothing.</summary>
    private const int OtherMtu = 1280;

    private const string Forbidden = "\"'#\\";

    /// <summary>The step in words, as a batch or a shell takes it.</summary>
    public static string Of(NetworkStep step)
    {
        var command = For(step);
        var tool = command.Tool switch
        {
            StepTool.Ip => command.Namespace.Length > 0 ? $"ip -n {command.Namespace} " : "ip ",
            StepTool.Ip6 => command.Namespace.Length > 0 ? $"ip -6 -n {command.Namespace} " : "ip -6 ",
            StepTool.Bridge => command.Namespace.Length > 0 ? $"bridge -n {command.Namespace} " : "bridge ",
            _ => command.Namespace.Length > 0 ? $"nsenter --net=/run/netns/{command.Namespace} sysctl -w " : "sysctl -w ",
        };
        return string.Join("; ", command.Lines.Select(line => tool + line));
    }

    /// <exception cref="NetworkException">A text in it cannot be said.</exception>
    public static StepCommand For(NetworkStep step)
    {
        var space = step.Namespace.Length == 0 ? "" : Word(step.Namespace, step);
        return step switch
        {
            NetworkStep.AddNamespace => new StepCommand(StepTool.Ip, "", [$"netns add {space}"]),
            NetworkStep.RemoveNamespace => new StepCommand(StepTool.Ip, "", [$"netns delete {space}"]),
            NetworkStep.AddLink add => new StepCommand(StepTool.Ip, space, [.. Add(add)]),
            NetworkStep.RemoveLink remove => new StepCommand(StepTool.Ip, space, [$"link delete dev {Word(remove.Link, step)}"]),
            NetworkStep.ChangeBond bond => new StepCommand(StepTool.Ip, space, [
                $"link set dev {Word(bond.Bond, step)} type bond" + (bond.Mode is { } mode ? $" mode {Text(mode)} miimon 100" : "")
                + (bond.LacpRate is { } rate ? $" lacp_rate {Text(rate)}" : "")
                + (bond.XmitHashPolicy is { } policy ? $" xmit_hash_policy {Text(policy)}" : "")]),
            NetworkStep.ChangeLink change => new StepCommand(StepTool.Ip, space, [.. Change(change, change.Change)]),
            NetworkStep.AddAddress { Address: var address } => new StepCommand(StepTool.Ip, space, [
                $"address add {Word(address.Address, step)} dev {Word(address.Link, step)}{(address.IsOurs ? $" metric {Marks.Metric}" : "")}"
                // Who else has it is not asked for: until that was answered nothing could use it, and the controller gives an address once.
                + (AddressText.IsIpv6(address.Address) ? " nodad" : "")]),
            NetworkStep.RemoveAddress { Address: var address } => new StepCommand(
                StepTool.Ip, space, [$"address delete {Word(address.Address, step)} dev {Word(address.Link, step)}"]),
            NetworkStep.AddRoute { Route: var route } => new StepCommand(StepTool.Ip, space, [$"route add {Text(route, step)}"]),
            NetworkStep.RemoveRoute { Route: var route } => new StepCommand(StepTool.Ip, space, [$"route delete {Text(route, step)}"]),
            NetworkStep.AddRule { Rule: var rule } => new StepCommand(rule.IsIpv6 ? StepTool.Ip6 : StepTool.Ip, space, [$"rule add {Text(rule, step)}"]),
            NetworkStep.RemoveRule { Rule: var rule } => new StepCommand(rule.IsIpv6 ? StepTool.Ip6 : StepTool.Ip, space, [$"rule delete {Text(rule, step)}"]),
            NetworkStep.AddNeighbour { Neighbour: var neighbour } => new StepCommand(StepTool.Ip, space, [
                $"neighbour replace {Word(neighbour.Address, step)} lladdr {Word(neighbour.HardwareAddress, step)} dev {Word(neighbour.Link, step)} nud permanent protocol {Marks.Protocol}"]),
            NetworkStep.RemoveNeighbour { Neighbour: var neighbour } => new StepCommand(
                StepTool.Ip, space, [$"neighbour delete {Word(neighbour.Address, step)} dev {Word(neighbour.Link, step)}"]),
            NetworkStep.AddForwarding { Forwarding: var forwarding } => new StepCommand(
                StepTool.Bridge, space, [$"fdb {(forwarding is { HardwareAddress: KernelModel.ForEverybody, Endpoint: not null } ? "append" : "replace")} {Text(forwarding, step)} static"]),
            NetworkStep.RemoveForwarding { Forwarding: var forwarding } => new StepCommand(StepTool.Bridge, space, [$"fdb delete {Text(forwarding, step)}"]),
            NetworkStep.SetSysctl sysctl => new StepCommand(
                StepTool.Sysctl, space, [$"{SysctlNames.PathOf(Word(sysctl.Name, step))}={Word(sysctl.Value, step)}"]),
            _ => throw new ArgumentException($"There is no step {step.GetType().Name}.", nameof(step)),
        };
    }

    private static IEnumerable<string> Add(NetworkStep.AddLink step)
    {
        var link = step.Link;
        var name = Word(link.Name, step);
        // A port is a bridge's only once it is there, and the kernel takes an alias and what IPv6 is to do only then.
        if (link.Kind == LinkKind.Tap)
            yield return $"tuntap add dev {name} mode tap vnet_hdr";
        else
            yield return $"link add dev {name}{(link.Vlan is { } vlan ? $" link {Word(vlan.Parent, step)}" : "")}{Basics(link, step)} type {Kind(link, step.Peer, step)}";
        var later = new List<string>();
        if (link.Kind == LinkKind.Tap)
            later.Add(Basics(link, step).TrimStart());
        else if (link is { Kind: LinkKind.Bridge, Mtu: { } mtu })
            later.Add($"mtu {mtu}");
        if (link.Master is { Length: > 0 } master)
            later.Add($"addrgenmode none master {Word(master, step)}");
        if (link.Alias is { } alias)
            later.Add($"alias {Quoted(alias, step)}");
        later.RemoveAll(words => words.Length == 0);
        if (later.Count > 0)
            yield return $"link set dev {name} {string.Join(' ', later)}";
        var last = (link.IsUp == true ? " up" : "") + (link.Port is { } port && port != KernelModel.DefaultPort ? Text(port) : "");
        if (last.Length > 0)
            yield return $"link set dev {name}{last}";
    }

    /// <summary>What every link has, as far as it is said.</summary>
    private static string Basics(Link link, NetworkStep step) =>
        (link.HardwareAddress is { } address ? $" address {Word(address, step)}" : "")
        + (link.Mtu is { } mtu ? $" mtu {(link.Kind == LinkKind.Bridge ? mtu == OtherMtu ? OtherMtu + 1 : OtherMtu : mtu)}" : "");

    private static string Kind(Link link, Link? peer, NetworkStep step) => link switch
    {
        // A bond without miimon never notices that a cable is out.
        { Kind: LinkKind.Bond } => "bond" + (link.Bond is { } bond ? Text(bond) : " miimon 100"),
        { Kind: LinkKind.Bridge } => "bridge stp_state 0 forward_delay 0 mcast_snooping 0",
        { Vlan: { } vlan } => $"vlan id {vlan.Tag}",
        { Vxlan: { } vxlan } => $"vxlan id {vxlan.Id} local {Word(vxlan.Local, step)}"
            + (vxlan.Device is { } device ? $" dev {Word(device, step)}" : "") + $" dstport {vxlan.Port} nolearning",
        { Veth: { } cable } => $"veth peer name {Word(cable.Peer, step)}"
            // The host's own namespace has no name, so a cable into another one is made from here.
            + (cable.PeerNamespace == step.Namespace ? "" : $" netns {Word(cable.PeerNamespace, step)}")
            + (peer is null ? "" : Basics(peer with { Kind = LinkKind.Veth }, step)),
        _ => throw new NetworkException($"A link of kind {link.Kind} cannot be made from what is said of {link.Name}.", step),
    };

    private static IEnumerable<string> Change(NetworkStep step, Link change)
    {
        var name = Word(change.Name, step);
        if (change.Vxlan is { } vxlan)
            yield return $"link set dev {name} type vxlan id {vxlan.Id} local {Word(vxlan.Local, step)}";
        var words = new List<string>();
        if (change.HardwareAddress is { } address)
            words.Add($"address {Word(address, step)}");
        if (change.Mtu is { } mtu)
            words.Add($"mtu {mtu}");
        if (change.Alias is { } alias)
            words.Add($"alias {Quoted(alias, step)}");
        if (change.Master is { } master)
            words.Add(master.Length > 0 ? $"master {Word(master, step)}" : "nomaster");
        if (change.IsUp is { } up)
            words.Add(up ? "up" : "down");
        if (words.Count > 0)
            yield return $"link set dev {name} {string.Join(' ', words)}";
        if (change.Port is { } port)
            yield return $"link set dev {name}{Text(port)}";
    }

    private static string Text(BondSettings bond) => bond.Mode switch
    {
        BondMode.Lacp => $" mode {Text(bond.Mode)} miimon 100 lacp_rate {Text(bond.LacpRate)} xmit_hash_policy {Text(bond.XmitHashPolicy)}",
        _ => $" mode {Text(bond.Mode)} miimon 100",
    };

    private static string Text(BondMode mode) => mode switch
    {
        BondMode.ActiveBackup => "active-backup",
        BondMode.Lacp => "802.3ad",
        _ => throw new ArgumentException($"The kernel has no bond of mode {mode}.", nameof(mode)),
    };

    private static string Text(LacpRate rate) => rate == LacpRate.Fast ? "fast" : "slow";

    private static string Text(XmitHashPolicy policy) => policy switch
    {
        XmitHashPolicy.Layer2 => "layer2",
        XmitHashPolicy.Layer2And3 => "layer2+3",
        XmitHashPolicy.Layer3And4 => "layer3+4",
        _ => throw new ArgumentException($"There is no policy {policy}.", nameof(policy)),
    };

    private static string Text(BridgePortSettings port)
    {
        var floods = OnOff(port.Floods);
        return $" type bridge_slave learning {OnOff(port.Learns)} flood {floods} mcast_flood {floods} bcast_flood {floods}"
            + $" neigh_suppress {OnOff(port.SuppressesNeighbours)} isolated {OnOff(port.IsIsolated)}";
    }

    private static string Text(Route route, NetworkStep step) =>
        $"{(route is { Destination: "default", IsIpv6: true } ? "::/0" : Word(route.Destination, step))}"
        + (route.Via is { } via ? $" via {Word(via, step)}" : "")
        + $" dev {Word(route.Link, step)}"
        + (route.Source is { } source ? $" src {Word(source, step)}" : "")
        + (route.Table != Route.Main ? $" table {route.Table}" : "")
        + (route.Metric is { } metric ? $" metric {metric}" : "")
        // What is given back to somebody else is not the platform's own.
        + (route.IsOurs ? $" protocol {Marks.Protocol}" : "");

    private static string Text(RoutingRule rule, NetworkStep step) =>
        $"iif {Word(rule.Incoming, step)} lookup {rule.Table} protocol {Marks.Protocol}";

    private static string Text(Forwarding forwarding, NetworkStep step) =>
        $"{Word(forwarding.HardwareAddress, step)} dev {Word(forwarding.Link, step)} "
        + (forwarding.Endpoint is { } endpoint ? $"dst {Word(endpoint, step)} self" : "master");

    private static string OnOff(bool value) => value ? "on" : "off";

    private static string Word(string text, NetworkStep step) => text.Length > 0 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || Forbidden.Contains(c))
        ? text
        : throw new NetworkException(string.Create(CultureInfo.InvariantCulture, $"\"{text}\" cannot be said to iproute2."), step);

    private static string Quoted(string text, NetworkStep step) => !text.Any(c => char.IsControl(c) || Forbidden.Contains(c))
        ? $"\"{text}\""
        : throw new NetworkException("An alias cannot have quotes, number signs, backslashes or line ends.", step);
}
