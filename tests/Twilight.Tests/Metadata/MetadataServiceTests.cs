using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Tests.Metadata;

/// <summary>Guests in namespaces read their metadata over a real switch, with its filter, its DHCP and its rules.</summary>
public sealed class MetadataServiceTests
{
    private const string First = "first";
    private const string Second = "second";
    private const string InstanceId = "/latest/meta-data/instance-id";

    private static readonly VnicDesired FirstCard = MetadataScene.Card(1, MetadataScene.Web, MetadataScene.Switch, 0);
    private static readonly VnicDesired SecondCard = MetadataScene.Card(3, MetadataScene.Neighbour, MetadataScene.Switch, 0);

    private MetadataHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await MetadataHost.StartAsync();
        _host.Set("switch", MetadataScene.Orders.Switches[0]);
        // Without a gateway, so only what DHCP says of the way leads there.
        _host.Set("network", MetadataScene.Leased with { Gateway = null });
        _host.Add(MetadataScene.WebRow, FirstCard, MetadataScene.Address(1, 1, MetadataScene.Leased, "10.0.0.1"));
        _host.Add(MetadataScene.Orders.Instances[MetadataScene.Neighbour], SecondCard, MetadataScene.Address(7, 3, MetadataScene.Leased, "10.0.0.3"));
        var report = await _host.ApplyAsync();
        Assert.That(report.Problems, Is.Empty);
        await _host.PlugAsync(First, FirstCard);
        await _host.PlugAsync(Second, SecondCard);
    }

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task Guests_read_their_own()
    {
        await ConfigureAsync();

        Assert.That(await _host.ReadAsync(First, InstanceId), Is.EqualTo((200, MetadataScene.Web.ToString())));
        Assert.That(await _host.ReadAsync(Second, InstanceId), Is.EqualTo((200, MetadataScene.Neighbour.ToString())));
        Assert.That(await _host.ReadAsync(First, "/openstack/latest/user_data"), Is.EqualTo((200, MetadataScene.WebRow.UserData)));
        Assert.That(await _host.ReadAsync(Second, "/openstack/latest/user_data"), Is.EqualTo((404, "")));
        Assert.That((await _host.ReadAsync(First, "/")).Content, Does.EndWith("openstack"));
    }

    [Test]
    public async Task A_gateway_is_a_way_without_DHCP()
    {
        _host.Set("network", MetadataScene.Leased with { Gateway = "10.0.0.254", Dhcp = false, Routed = true, ServiceAddress = null });
        await _host.ApplyAsync();
        await _host.ShellAsync(First, "ip address add 10.0.0.1/24 dev card && ip route add default via 10.0.0.254");

        Assert.That(await _host.ReadAsync(First, InstanceId), Is.EqualTo((200, MetadataScene.Web.ToString())));
    }

    [Test]
    public async Task What_changes_is_there_at_the_next_read()
    {
        await ConfigureAsync();
        _host.Set("instance", MetadataScene.WebRow with { SshKeys = TextList.Of(["ssh-ed25519 NEW"]) });
        _host.Send();

        Assert.That(await _host.ReadAsync(First, "/latest/meta-data/public-keys/0/openssh-key"), Is.EqualTo((200, "ssh-ed25519 NEW")));
    }

    [Test]
    public async Task Whose_address_is_nobody_s_finds_nothing()
    {
        await ConfigureAsync();
        _host.Remove("address", MetadataScene.Address(1, 1, MetadataScene.Leased, "10.0.0.1").Uuid);
        _host.Send();

        Assert.That(await _host.ReadAsync(First, "/"), Is.EqualTo((404, "")));
        Assert.That(await _host.ReadAsync(First, "/latest/api/token", "-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 60"), Is.EqualTo((404, "")));
    }

    [Test]
    public async Task Another_s_is_not_read_by_forging_an_address()
    {
        await ConfigureAsync();
        await _host.ShellAsync(Second, "ip address add 10.0.0.1/32 dev card");

        Assert.That(await _host.IsAnsweredAsync(Second, "--interface", "10.0.0.1"), Is.False);
        // Nor by what a request says of itself.
        Assert.That(
            await _host.ReadAsync(Second, InstanceId, "-H", "X-Forwarded-For: 10.0.0.1", "-H", $"X-Instance-ID: {MetadataScene.Web}", "-H", "Forwarded: for=10.0.0.1"),
            Is.EqualTo((200, MetadataScene.Neighbour.ToString())));
    }

    [Test]
    public async Task Another_s_is_not_read_by_forging_all_of_a_frame()
    {
        await ConfigureAsync();
        // The other one is silent, so nobody is in the way of who takes its place.
        await _host.ShellAsync(First, "ip link set dev card down");
        await _host.ShellAsync(
            Second, $"ip link set dev card down; ip link set dev card address {FirstCard.Macaddr}; ip address flush dev card; ip address add 10.0.0.1/24 dev card; "
                + $"ip link set dev card up; ip route add {MetadataAddress.Text} via 10.0.0.253");
        Assert.That(await _host.IsAnsweredAsync(Second), Is.False);
        // Who the gateway is it need not find out.
        await _host.ShellAsync(Second, $"ip neighbour replace 10.0.0.253 lladdr {LinkNames.ServiceHardwareAddress(MetadataScene.Switch)} dev card");
        Assert.That(await _host.IsAnsweredAsync(Second), Is.False);

        await _host.ShellAsync(Second, $"ip link set dev card down; ip link set dev card address {SecondCard.Macaddr}; ip link set dev card up");
        await _host.AskForAddressAsync(Second);
        Assert.That(await _host.ReadAsync(Second, InstanceId), Is.EqualTo((200, MetadataScene.Neighbour.ToString())), "it is only heard as itself");
    }

    [Test]
    public async Task Security_groups_are_not_in_the_way()
    {
        var group = Guid.Parse("aaaaaaaa-0000-0000-0000-000000000001");
        _host.Set("security_group", new SecurityGroupDesired
        {
            Uuid = group,
            Tenant = MetadataScene.WebRow.Tenant!.Value,
            Name = "closed",
        });
        // With a rule for one direction nothing else leaves, and nothing at all comes in.
        _host.Set("security_rule", new SecurityRuleDesired
        {
            Uuid = Guid.Parse("bbbbbbbb-0000-0000-0000-000000000001"),
            SecurityGroup = group,
            Direction = SecurityDirection.Egress,
            Protocol = SecurityProtocol.Udp,
            PortFrom = 9,
            PortTo = 9,
        });
        _host.Set("vnic_security_group", new VnicSecurityGroupDesired
        {
            Uuid = Guid.Parse("cccccccc-0000-0000-0000-000000000001"),
            Vnic = FirstCard.Uuid,
            SecurityGroup = group,
        });
        await _host.ApplyAsync();
        await ConfigureAsync();

        Assert.That(await _host.ReadAsync(First, InstanceId), Is.EqualTo((200, MetadataScene.Web.ToString())));
        Assert.That(await _host.ShellAsync(First, "curl -s --max-time 2 http://10.0.0.3/ ; echo $?"), Is.EqualTo("28"), "the group is in force");
    }

    [Test]
    public async Task A_guest_that_asks_too_much_harms_no_other()
    {
        await ConfigureAsync();
        // All its connections, saying nothing.
        await using var silent = _host.Run(
            First, $"for i in $(seq 12); do (tail -f /dev/null | busybox nc {MetadataAddress.Text} {MetadataAddress.Port} >/dev/null 2>&1 &) ; done; exec tail -f /dev/null");
        await Eventually.SeesAsync("it to have all that it may have", _ => _host.IsAnsweredAsync(First), answered => !answered);
        Assert.That(await _host.ReadAsync(Second, InstanceId), Is.EqualTo((200, MetadataScene.Neighbour.ToString())));
        await Eventually.SeesAsync("the silent ones to be let go of", _ => _host.IsAnsweredAsync(First), answered => answered, TimeSpan.FromMinutes(1));

        var codes = await _host.ShellAsync(First, $"curl -s -o /dev/null -w '%{{http_code}}\\n' 'http://{MetadataAddress.Text}{InstanceId}?[1-600]' | sort | uniq -c");
        Assert.That(codes, Does.Contain(" 200").And.Contain(" 429"));
        Assert.That(await _host.ReadAsync(Second, InstanceId), Is.EqualTo((200, MetadataScene.Neighbour.ToString())));
    }

    [Test]
    public async Task Tokens_are_given_and_looked_at()
    {
        await ConfigureAsync();
        const string Lifetime = "X-aws-ec2-metadata-token-ttl-seconds";
        var (status, token) = await _host.ReadAsync(First, "/latest/api/token", "-X", "PUT", "-H", $"{Lifetime}: 60");
        Assert.That(status, Is.EqualTo(200));

        Assert.That(await _host.ReadAsync(First, InstanceId, "-H", $"X-aws-ec2-metadata-token: {token}"), Is.EqualTo((200, MetadataScene.Web.ToString())));
        Assert.That((await _host.ReadAsync(Second, InstanceId, "-H", $"X-aws-ec2-metadata-token: {token}")).Status, Is.EqualTo(401), "another's");
        Assert.That((await _host.ReadAsync(First, InstanceId, "-H", "X-aws-ec2-metadata-token: made up")).Status, Is.EqualTo(401));
        Assert.That((await _host.ReadAsync(First, "/latest/api/token", "-X", "PUT")).Status, Is.EqualTo(400));
        Assert.That((await _host.ReadAsync(First, "/latest/api/token", "-X", "PUT", "-H", $"{Lifetime}: 21601")).Status, Is.EqualTo(400));
        Assert.That((await _host.ReadAsync(First, "/latest/api/token", "-X", "PUT", "-H", $"{Lifetime}: 60", "-H", "X-Forwarded-For: 10.0.0.3")).Status, Is.EqualTo(403));
        Assert.That((await _host.ReadAsync(First, InstanceId, "-X", "POST", "-d", "")).Status, Is.EqualTo(405));
        Assert.That((await _host.ReadAsync(First, InstanceId, "-I")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task It_follows_the_namespace_and_lets_it_go()
    {
        await ConfigureAsync();
        Assert.That(await _host.IsAnsweredAsync(First));
        var space = LinkNames.Namespace(MetadataScene.Switch);
        var before = await _host.Space.RunAsync("ip", "netns", "exec", space, "readlink", "/proc/self/ns/net");

        // Another of the same name takes its place.
        await _host.Space.RunAsync("sh", "-c", $"ip netns pids {space} | xargs -r kill; ip netns delete {space}");
        await _host.ApplyAsync();
        Assert.That(await _host.IsAnsweredAsync(First));
        Assert.That(await _host.Space.RunAsync("ip", "netns", "exec", space, "readlink", "/proc/self/ns/net"), Is.Not.EqualTo(before));

        // The kernel takes the end of a cable away with its namespace, and that is away once nobody has a socket there.
        await _host.Space.RunAsync("sh", "-c", $"ip netns pids {space} | xargs -r kill; ip netns delete {space}");
        var report = await _host.Services.ApplyAsync([], CancellationToken.None);
        Assert.That((report.Problems.Count, report.LookAgain), Is.EqualTo((0, (TimeSpan?)null)));
        await Eventually.SeesAsync(
            "the namespace to go", _ => _host.Space.RunAsync("ip", "-brief", "link"),
            links => !links.Contains(LinkNames.Service(MetadataScene.Switch), StringComparison.Ordinal));
    }

    [Test]
    public async Task Without_a_namespace_it_says_so_and_looks_again()
    {
        await _host.Space.RunAsync("ip", "netns", "delete", LinkNames.Namespace(MetadataScene.Switch));
        var report = await _host.Services.ApplyAsync(
            [
                new SwitchService
                {
                    Switch = MetadataScene.Switch,
                    Host = MetadataScene.Host,
                    Mtu = 1500,
                    Networks = [MetadataScene.Leased],
                },
            ],
            CancellationToken.None);

        Assert.That(report.Problems[MetadataScene.Switch].Single(), Is.EqualTo("Guests cannot read their metadata: there is no namespace."));
        Assert.That(report.LookAgain, Is.Not.Null);
    }

    private async Task ConfigureAsync()
    {
        foreach (var guest in new[] { First, Second })
            await _host.AskForAddressAsync(guest);
    }
}
