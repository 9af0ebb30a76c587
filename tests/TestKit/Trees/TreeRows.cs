using Newtonsoft.Json.Linq;

namespace PonyCloud.TestKit.Trees;

/// <summary>The rows of a tree.</summary>
/// <param name="prefix">Of names that are unique in the platform, since every tree meets those before it.</param>
/// <param name="users">Email addresses of who can be a member.</param>
internal sealed class TreeRows(Tree tree, string prefix, IReadOnlyList<string> users)
{
    private const int Enough = 1_000_000;

    // Above what the platform gives by itself, which is the lowest that is free.
    private const int FirstGiven = 100;

    /// <summary>The rows at the root; what others refer to comes first.</summary>
    public IReadOnlyList<TreeNode> Roots { get; } =
    [
        .. Enumerable.Range(0, tree.Profiles).Select(p => new TreeNode("cpu-profile", $"$p{p}", new JObject { ["name"] = $"{prefix}-{p}", ["model"] = "EPYC" })),
        .. Enumerable.Range(0, tree.Pools).Select(p => new TreeNode("storage-pool", $"$q{p}", new JObject
        {
            ["name"] = $"{prefix}-{p}",
            ["type"] = "dir",
            ["config"] = new JObject { ["path"] = "/srv" },
        })),
        .. tree.Tenants.Select((tenant, t) => TenantOf(tenant, tree.Pools, t, prefix, users)),
        .. tree.Settings.Select((json, i) => new TreeNode("config", $"{prefix}.{i}", new JObject { ["value"] = JToken.Parse(json) }) { KeyColumn = "key" }),
    ];

    private static TreeNode TenantOf(Household tenant, int pools, int t, string prefix, IReadOnlyList<string> users) =>
        new("tenant", $"$t{t}", new JObject { ["name"] = $"{prefix}-{t}" })
        {
            Children = new Dictionary<string, TreeNode[]>
            {
                ["switch"] = [.. tenant.Switches.Select((networks, s) => SwitchOf(networks, t, s))],
                // A tenant may use a pool by having a quota of it.
                ["quota"] = [.. Enumerable.Range(0, pools).Select(p => new TreeNode("quota", $"$l{t}.{p}", new JObject
                {
                    ["type"] = "storage",
                    ["limit"] = Enough,
                    ["storage_pool"] = $"$q{p}",
                })
                {
                    Made = new JObject { ["tenant"] = $"$t{t}" },
                })],
                ["volume"] = [.. tenant.Volumes.Select((volume, v) => new TreeNode("volume", $"$v{t}.{v}", new JObject
                {
                    ["name"] = $"v{v}",
                    ["size"] = volume.Size,
                    ["storage_pool"] = $"$q{volume.Pool}",
                })
                {
                    Made = new JObject { ["uuid"] = $"$v{t}.{v}", ["tenant"] = $"$t{t}", ["state"] = "present" },
                })],
                ["instance"] = [.. tenant.Machines.Select((machine, i) => MachineOf(tenant, machine, t, i))],
                ["member"] = [.. users.Zip(tenant.Members).Where(member => member.Second is not null).Select((member, m) =>
                    new TreeNode("member", $"$m{t}.{m}", new JObject { ["user"] = member.First, ["role"] = member.Second }))],
            },
        };

    private static TreeNode SwitchOf(TreeNetwork[] networks, int t, int s) => new("switch", $"$s{t}.{s}", new JObject { ["name"] = $"s{s}" })
    {
        Made = new JObject { ["uuid"] = $"$s{t}.{s}", ["tenant"] = $"$t{t}", ["type"] = "vxlan" },
        Children = new Dictionary<string, TreeNode[]> { ["network"] = [.. networks.Select((network, n) => NetworkOf(network, t, s, n))] },
    };

    private static TreeNode NetworkOf(TreeNetwork network, int t, int s, int n)
    {
        var desired = new JObject { ["range"] = $"10.{s}.{n}.0/24", ["dhcp"] = network.Dhcp };
        if (network.HasGateway)
            desired["gateway"] = $"10.{s}.{n}.1";
        return new TreeNode("network", $"$n{t}.{s}.{n}", desired)
        {
            Made = new JObject { ["switch"] = $"$s{t}.{s}" },
            Children = new Dictionary<string, TreeNode[]>
            {
                ["route"] = [.. Enumerable.Range(0, network.Routes).Select(r => new TreeNode("route", $"$r{t}.{s}.{n}.{r}", new JObject
                {
                    ["route"] = $"192.0.{r}.0/24",
                    ["via"] = $"10.{s}.{n}.254",
                })
                {
                    Made = new JObject { ["network"] = $"$n{t}.{s}.{n}" },
                })],
            },
        };
    }

    private static TreeNode MachineOf(Household tenant, TreeMachine machine, int t, int i)
    {
        var desired = new JObject { ["name"] = $"m{i}", ["mem"] = machine.Mem };
        if (machine.Vcpu is { } vcpu)
            desired["vcpu"] = vcpu;
        if (machine.State is { } state)
            desired["state"] = state;
        if (machine.Profile is { } profile)
            desired["cpu_profile"] = $"$p{profile}";
        return new TreeNode("instance", $"$i{t}.{i}", desired)
        {
            Made = new JObject
            {
                ["uuid"] = $"$i{t}.{i}",
                ["tenant"] = $"$t{t}",
                ["state"] = "stopped",
                ["vcpu"] = 1,
                ["rcpu"] = 0,
                ["stop_timeout"] = 60,
            },
            Children = new Dictionary<string, TreeNode[]>
            {
                ["vnic"] = [.. machine.Cards.Select((card, c) => CardOf(card, t, i, c))],
                ["vdisk"] = [.. tenant.Volumes.Index().Where(volume => volume.Item.Machine == i).Select(volume => DiskOf(volume.Item, t, i, volume.Index))],
            },
        };
    }

    private static TreeNode CardOf(TreeCard card, int t, int i, int c)
    {
        var desired = new JObject { ["switch"] = $"$s{t}.{card.Switch}", ["index"] = c };
        if (card.Mbit is { } mbit)
            desired["bandwidth_in_mbit"] = mbit;
        return new TreeNode("vnic", $"$c{t}.{i}.{c}", desired)
        {
            Made = new JObject { ["instance"] = $"$i{t}.{i}", ["model"] = "virtio" },
            Children = new Dictionary<string, TreeNode[]>
            {
                ["address"] = [.. card.Addresses.Select((address, a) => AddressOf(card, address, t, i, c, a))],
            },
        };
    }

    private static TreeNode AddressOf(TreeCard card, (int Network, bool IsGiven) address, int t, int i, int c, int a)
    {
        var desired = new JObject { ["network"] = $"$n{t}.{card.Switch}.{address.Network}" };
        // No other card of the tenant has it.
        if (address.IsGiven)
            desired["ip"] = $"10.{card.Switch}.{address.Network}.{FirstGiven + i * 16 + c * 4 + a}";
        return new TreeNode("address", $"$a{t}.{i}.{c}.{a}", desired) { Made = new JObject { ["vnic"] = $"$c{t}.{i}.{c}" } };
    }

    private static TreeNode DiskOf(TreeVolume volume, int t, int i, int v)
    {
        var desired = new JObject { ["volume"] = $"$v{t}.{v}" };
        if (volume.Bus is not null)
            desired["bus"] = volume.Bus;
        return new TreeNode("vdisk", $"$d{t}.{v}", desired)
        {
            Made = new JObject { ["instance"] = $"$i{t}.{i}", ["bus"] = "virtio" },
        };
    }
}
