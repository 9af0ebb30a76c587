using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

/// <summary>A host of the test's own, with a bridge, a namespace for services on it, and guests; with real tools.</summary>
internal sealed class SwitchRig : IAsyncDisposable
{
    // Prints what it was given, and makes nothing of it: the guests of these tests only ask.
    private const string Script = """
        #!/bin/sh
        [ "$1" = bound ] || [ "$1" = renew ] || exit 0
        echo "ip=$ip mask=$mask router=$router dns=$dns mtu=$mtu routes=$staticroutes hostname=$hostname domain=$domain lease=$lease"
        """;

    private readonly TemporaryDirectory _directory = new("serving");
    private readonly Guid _switch;

    private SwitchRig(NetworkNamespace host, Guid @switch)
    {
        Host = host;
        _switch = @switch;
        // The user that dnsmasq becomes reads below it.
        File.SetUnixFileMode(_directory.Path, File.GetUnixFileMode(_directory.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.WriteAllText(_directory["script"], Script);
        File.SetUnixFileMode(_directory["script"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Options = new ServingOptions { Directory = _directory["served"] };
    }

    public NetworkNamespace Host { get; }

    public ServingOptions Options { get; }

    public IToolRunner Tools { get; } = new ToolRunner(ServedSwitch.Here, TimeProvider.System, NullLogger<ToolRunner>.Instance);

    public static async Task<SwitchRig> StartAsync(Guid @switch, params string[] addresses)
    {
        var rig = new SwitchRig(await NetworkNamespace.StartAsync(hasNames: true), @switch);
        try
        {
            await rig.Host.RunAsync("ip", "link", "add", "switch", "type", "bridge");
            await rig.Host.RunAsync("ip", "link", "set", "dev", "switch", "up");
            await rig.MakeNamespaceAsync(addresses);
            return rig;
        }
        catch
        {
            await rig.DisposeAsync();
            throw;
        }
    }

    public DnsmasqServices Services(TimeProvider? time = null, ServingOptions? options = null) =>
        new(options ?? Options, Host.Tools(Tools), time ?? TimeProvider.System, NullLoggerFactory.Instance);

    public async Task MakeNamespaceAsync(params string[] addresses)
    {
        var space = LinkNames.Namespace(_switch);
        await Host.RunAsync("ip", "netns", "add", space);
        await Host.RunAsync(
            "ip", "link", "add", "service", "master", "switch", "type", "veth",
            "peer", "name", ServedNetworks.Guests, "netns", space, "address", LinkNames.ServiceHardwareAddress(_switch));
        await Host.RunAsync("ip", "link", "set", "dev", "service", "up");
        await Host.RunAsync("ip", "-n", space, "link", "set", "dev", ServedNetworks.Guests, "up");
        foreach (var address in addresses)
            await Host.RunAsync("ip", "-n", space, "address", "add", address, "dev", ServedNetworks.Guests, "nodad");
        // As every namespace of a switch has them.
        File.WriteAllText(_directory["rules"], RoutingRules.OfNamespace(new RoutedSwitch(_switch, [], []), pair: null));
        await Host.RunAsync("ip", "netns", "exec", space, "nft", "-f", _directory["rules"]);
    }

    public Task RemoveNamespaceAsync() => Host.RunAsync("sh", "-c", $"ip link delete service; ip netns delete {LinkNames.Namespace(_switch)}");

    /// <summary>Adds a guest with a card, in a namespace of its name.</summary>
    public async Task AddGuestAsync(string name, string hardwareAddress, params string[] addresses)
    {
        await Host.RunAsync("ip", "netns", "add", name);
        await Host.RunAsync(
            "ip", "link", "add", "to-" + name, "master", "switch", "type", "veth", "peer", "name", "card", "netns", name, "address", hardwareAddress);
        await Host.RunAsync("ip", "link", "set", "dev", "to-" + name, "up");
        await Host.RunAsync("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.card.accept_dad=0");
        await Host.RunAsync("ip", "-n", name, "link", "set", "dev", "card", "up");
        foreach (var address in addresses)
            await Host.RunAsync("ip", "-n", name, "address", "add", address, "dev", "card", "nodad");
    }

    public Task<string> InGuestAsync(string name, string tool, params string[] arguments) =>
        Host.RunAsync("ip", ["netns", "exec", name, tool, .. arguments]);

    /// <summary>What DHCP gives to the guest.</summary>
    public async Task<string> LeaseAsync(string name) =>
        (await InGuestAsync(
            name, "busybox", "udhcpc", "-f", "-q", "-n", "-t", "5", "-T", "2", "-i", "card", "-s", _directory["script"], "-O", "mtu", "-O", "staticroutes"))
        .Split('\n').Single(line => line.StartsWith("ip=", StringComparison.Ordinal));

    /// <summary>Whether DHCP gives nothing to the guest.</summary>
    public async Task<bool> IsRefusedAsync(string name)
    {
        var said = await InGuestAsync(name, "sh", "-c", $"busybox udhcpc -f -q -n -t 2 -T 1 -i card -s {_directory["script"]} || echo refused");
        return said.EndsWith("refused", StringComparison.Ordinal);
    }

    /// <summary>What the guest is told over IPv6; see guest6.py.</summary>
    public Task<string> Guest6Async(string name, string what) => InGuestAsync(
        name, "timeout", "30", "python3", Repository.At("tests", "Twilight.Tests", "Networks", "Serving", "guest6.py"), "card", what);

    /// <summary>What the name server answers to the guest, failures included.</summary>
    public Task<string> LookUpAsync(string name, string question, string server) =>
        InGuestAsync(name, "sh", "-c", $"timeout 10 busybox nslookup {question} {server} 2>&1 || true");

    /// <summary>The process that serves the switch, as its pid file says.</summary>
    public int Pid() => int.Parse(File.ReadAllText(Path.Combine(Options.Directory, _switch.ToString(), DnsmasqFiles.PidFile)).Trim());

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(Options.Directory))
            await Services().ApplyAsync([], CancellationToken.None);
        await Host.DisposeAsync();
        _directory.Dispose();
    }
}
