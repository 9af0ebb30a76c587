using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>What the database does by itself for hosts to make networks, and that it holds whoever else is writing.</summary>
[TestFixture]
public sealed class NetworkWorkTests
{
    private static readonly TenantDesired Tenant = Rows.Tenant();
    private static readonly InstanceDesired Instance = Rows.Instance(Tenant);

    private Link _link = null!;
    private SwitchDesired _switch = null!;
    private SwitchDesired _outside = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _switch = Rows.Switch(Tenant);
        _outside = Rows.Switch(null, "outside");
        await _link.InsertAsync(("tenant", Tenant), ("instance", Instance), ("switch", _switch), ("switch", _outside));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [TestCase("198.51.100.0/24", null, "198.51.100.254")]
    [TestCase("198.51.100.0/24", "198.51.100.254", "198.51.100.253")]
    [TestCase("198.51.100.4/30", "198.51.100.6", "198.51.100.5")]
    [TestCase("198.51.100.4/31", "198.51.100.5", "198.51.100.4")]
    [TestCase("198.51.100.4/32", null, "198.51.100.4")]
    [TestCase("255.255.255.254/31", null, "255.255.255.255")]
    [TestCase("2001:db8::/64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff")]
    [TestCase("2001:db8::fffe/127", "2001:db8::ffff", "2001:db8::fffe")]
    public async Task A_network_with_dhcp_has_the_highest_free_address_for_the_platform(string range, string? gateway, string expected)
    {
        var network = Rows.Network(_switch) with { Range = range, Gateway = gateway, Dhcp = true };
        await _link.InsertAsync(("network", network));
        Assert.That(Find(network).ServiceAddress, Is.EqualTo(expected));
    }

    [Test]
    public async Task A_routed_network_answers_at_its_gateway_until_it_is_routed_no_more()
    {
        var network = Rows.Network(_switch) with { Gateway = "198.51.100.1", Dhcp = true, Routed = true };
        await _link.InsertAsync(("network", network));
        Assert.That(Find(network), Is.EqualTo(network));
        await _link.UpdateAsync("network", network, network with { Routed = false });
        Assert.That(Find(network).ServiceAddress, Is.EqualTo("198.51.100.254"));
    }

    [Test]
    public async Task Whoever_turns_dhcp_on_later_gets_what_is_free_then_and_nobody_is_given_that()
    {
        var network = Rows.Network(_switch) with { Range = "198.51.100.0/29" };
        await _link.InsertAsync(
            ("network", network), ("address", Rows.Address(network) with { Ip = "198.51.100.6" }), ("address", Rows.Address(network) with { Ip = "198.51.100.4" }));
        await _link.UpdateAsync("network", network, network with { Dhcp = true });
        Assert.That(Find(network).ServiceAddress, Is.EqualTo("198.51.100.5"));

        for (var i = 0; i < 3; i++)
            await _link.InsertAsync(("address", Rows.Address(network)));
        await RefusedAsync("address_ip_available", _link.InsertAsync(("address", Rows.Address(network))));
        await RefusedAsync("address_ip_own", _link.InsertAsync(("address", Rows.Address(network) with { Ip = "198.51.100.5" })));
    }

    [Test]
    public async Task Whoever_turns_dhcp_on_waits_for_the_address_that_is_being_given()
    {
        var network = Rows.Network(_switch);
        await _link.InsertAsync(("network", network));
        await using var connection = await BeginAsync($"INSERT INTO address (network, ip) VALUES ('{network.Uuid}', '198.51.100.254')");

        var turning = _link.UpdateAsync("network", network, network with { Dhcp = true });
        await NetworkTests.WaitForLockAsync(connection);
        await NetworkTests.RunAsync(connection, "COMMIT");
        await turning;

        Assert.That(Find(network).ServiceAddress, Is.EqualTo("198.51.100.253"));
    }

    [Test]
    public async Task A_card_elsewhere_has_a_floating_address_and_keeps_it_when_it_is_plugged_into_another_switch()
    {
        var (network, vnic) = await FloatAsync(_outside);
        await _link.UpdateAsync("vnic", vnic, vnic with { Switch = _switch.Uuid });
        await _link.InsertAsync(("address", Rows.Address(network) with { Vnic = vnic.Uuid }));
        Assert.That(_link.State.Count("address"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_network_that_is_to_float_no_more_waits_for_the_card_that_is_being_plugged_elsewhere_and_is_refused()
    {
        var (network, vnic) = await FloatAsync(_outside);
        await using var connection = await BeginAsync($"UPDATE vnic SET switch = '{_switch.Uuid}' WHERE uuid = '{vnic.Uuid}'");

        var settling = _link.UpdateAsync("network", network, network with { Floating = false });
        await NetworkTests.WaitForLockAsync(connection);
        await NetworkTests.RunAsync(connection, "COMMIT");

        await RefusedAsync("network_floating_given", settling);
    }

    [Test]
    public async Task A_card_that_is_plugged_elsewhere_waits_for_the_network_that_is_to_float_no_more_and_is_refused()
    {
        var (network, vnic) = await FloatAsync(_outside);
        await using var connection = await BeginAsync($"UPDATE network SET floating = false WHERE uuid = '{network.Uuid}'");

        var plugging = _link.UpdateAsync("vnic", vnic, vnic with { Switch = _switch.Uuid });
        await NetworkTests.WaitForLockAsync(connection);
        await NetworkTests.RunAsync(connection, "COMMIT");

        await RefusedAsync("vnic_switch_addresses", plugging);
    }

    [Test]
    public async Task Of_cards_that_are_put_into_a_single_bond_at_once_one_is_in_it()
    {
        var host = Rows.Host();
        var bond = Rows.Bond(host) with { Mode = BondMode.Single };
        await _link.InsertAsync(("host", host), ("bond", bond));
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await _link.InsertAsync(("nic", new NicDesired { Hwaddr = $"52:54:00:00:09:0{i}", Host = host.Uuid, Bond = bond.Uuid }));
                return "in";
            }
            catch (WriteRefusedException refused)
            {
                return refused.Constraint;
            }
        }));
        Assert.That(outcomes.Order(), Is.EqualTo(Enumerable.Repeat("nic_bond_single", 7).Prepend("in").Order()));
    }

    [Test]
    public async Task A_tenant_goes_with_its_groups_whatever_they_admit_and_a_group_with_rules_that_name_itself()
    {
        SecurityGroupDesired web = new() { Uuid = Guid.NewGuid(), Tenant = Tenant.Uuid, Name = "web" };
        var data = web with { Uuid = Guid.NewGuid(), Name = "data" };
        var alone = web with { Uuid = Guid.NewGuid(), Name = "alone" };
        var vnic = Rows.Vnic(Instance, _switch);
        await _link.InsertAsync(
            ("vnic", vnic), ("security_group", web), ("security_group", data), ("security_group", alone),
            ("security_rule", Admit(web, data)), ("security_rule", Admit(data, web)), ("security_rule", Admit(alone, alone)),
            ("vnic_security_group", new VnicSecurityGroupDesired { Uuid = Guid.NewGuid(), Vnic = vnic.Uuid, SecurityGroup = web.Uuid }));

        await _link.DeleteAsync("security_group", RowKey.Of(alone.Uuid));
        Assert.That(_link.State.Count("security_rule"), Is.EqualTo(2));
        await RefusedAsync("security_rule_remote_security_group_fkey", _link.DeleteAsync("security_group", RowKey.Of(data.Uuid)));
        await _link.DeleteAsync("tenant", RowKey.Of(Tenant.Uuid));
        Assert.That((_link.State.Count("security_group"), _link.State.Count("security_rule"), _link.State.Count("vnic_security_group")), Is.EqualTo((0, 0, 0)));
    }

    private static SecurityRuleDesired Admit(SecurityGroupDesired group, SecurityGroupDesired remote) => new()
    {
        Uuid = Guid.NewGuid(),
        SecurityGroup = group.Uuid,
        Direction = SecurityDirection.Ingress,
        RemoteSecurityGroup = remote.Uuid,
    };

    /// <summary>A floating network, and a card on a switch that has an address of it.</summary>
    private async Task<(NetworkDesired Network, VnicDesired Vnic)> FloatAsync(SwitchDesired on)
    {
        var network = Rows.Network(_outside) with { Floating = true };
        var vnic = Rows.Vnic(Instance, on);
        await _link.InsertAsync(("network", network), ("vnic", vnic), ("address", Rows.Address(network) with { Vnic = vnic.Uuid }));
        return (network, _link.State.Find<VnicDesired>("vnic", RowKey.Of(vnic.Uuid))!);
    }

    /// <summary>A transaction that has done something and stays open.</summary>
    private async Task<NpgsqlConnection> BeginAsync(string sql)
    {
        var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await NetworkTests.RunAsync(connection, "BEGIN");
        await NetworkTests.RunAsync(connection, sql);
        return connection;
    }

    private static async Task RefusedAsync(string constraint, Task write) =>
        Assert.That((await Assert.ThrowsAsync<WriteRefusedException>(() => write))!.Constraint, Is.EqualTo(constraint));

    private NetworkDesired Find(NetworkDesired network) => _link.State.Find<NetworkDesired>("network", RowKey.Of(network.Uuid))!;
}
