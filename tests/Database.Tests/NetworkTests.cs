using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>What the database makes of networks by itself, and that it does so whoever else is writing.</summary>
[TestFixture]
public sealed class NetworkTests
{
    private static readonly TenantDesired Tenant = Rows.Tenant();
    private static readonly InstanceDesired Instance = Rows.Instance(Tenant);
    private static readonly InstanceDesired Template = Rows.Instance(Tenant, "template") with { Template = true };

    private Link _link = null!;
    private SwitchDesired _switch = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _switch = Rows.Switch(Tenant);
        await _link.InsertAsync(("tenant", Tenant), ("instance", Instance), ("instance", Template), ("switch", _switch));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task What_is_left_out_is_there_when_the_write_answers()
    {
        var network = Rows.Network(_switch) with { Gateway = "198.51.100.1" };
        var vnic = Rows.Vnic(Instance, _switch);
        var second = Rows.Vnic(Instance, _switch);
        var blank = Rows.Vnic(Template, _switch);
        var address = Rows.Address(network) with { Vnic = vnic.Uuid };
        await _link.InsertAsync(("address", address), ("vnic", vnic), ("vnic", second), ("vnic", blank), ("network", network));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Find<SwitchDesired>("switch", _switch.Uuid).Tag, Is.EqualTo(1));
            Assert.That(Find<AddressDesired>("address", address.Uuid), Is.EqualTo(address with { Ip = "198.51.100.2" }));
            Assert.That(Find<VnicDesired>("vnic", vnic.Uuid).Index, Is.EqualTo(0));
            Assert.That(Find<VnicDesired>("vnic", second.Uuid).Index, Is.EqualTo(1));
            // 06: administered locally, and of one card.
            Assert.That(Find<VnicDesired>("vnic", vnic.Uuid).Macaddr, Does.Match("^06(:[0-9a-f]{2}){5}$"));
            Assert.That(Find<VnicDesired>("vnic", second.Uuid).Macaddr, Is.Not.EqualTo(Find<VnicDesired>("vnic", vnic.Uuid).Macaddr));
            Assert.That(Find<VnicDesired>("vnic", blank.Uuid), Is.EqualTo(blank with { Index = 0 }));
        }
    }

    [TestCase("198.51.100.0/24", null, "198.51.100.1", "198.51.100.2")]
    [TestCase("198.51.100.0/24", "198.51.100.2", "198.51.100.1", "198.51.100.3")]
    [TestCase("198.51.100.4/31", null, "198.51.100.4", "198.51.100.5", null)]
    [TestCase("198.51.100.4/32", null, "198.51.100.4", null)]
    [TestCase("198.51.100.4/30", "198.51.100.6", "198.51.100.5", null)]
    [TestCase("255.255.255.254/31", null, "255.255.255.254", "255.255.255.255", null)]
    [TestCase("2001:db8::/64", "2001:db8::1", "2001:db8::2", "2001:db8::3")]
    [TestCase("2001:db8::fffe/127", null, "2001:db8::fffe", "2001:db8::ffff", null)]
    public async Task Addresses_are_given_from_the_lowest_free_one_on(string range, string? gateway, params string?[] given)
    {
        var network = Rows.Network(_switch) with { Range = range, Gateway = gateway };
        await _link.InsertAsync(("network", network));
        foreach (var ip in given)
        {
            var address = Rows.Address(network);
            if (ip is null)
            {
                var refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.InsertAsync(("address", address))))!;
                Assert.That((refused.Constraint, refused.Message), Is.EqualTo(("address_ip_available", "The network has no free address left.")));
            }
            else
            {
                await _link.InsertAsync(("address", address));
                Assert.That(Find<AddressDesired>("address", address.Uuid).Ip, Is.EqualTo(ip));
            }
        }
    }

    [Test]
    public async Task An_address_that_went_is_given_again_and_one_that_was_asked_for_is_left_out()
    {
        var network = Rows.Network(_switch);
        var first = Rows.Address(network);
        await _link.InsertAsync(("network", network), ("address", first));
        await _link.InsertAsync(("address", Rows.Address(network) with { Ip = "198.51.100.2" }));
        var third = Rows.Address(network);
        await _link.InsertAsync(("address", third));
        Assert.That(Find<AddressDesired>("address", third.Uuid).Ip, Is.EqualTo("198.51.100.3"));
        await _link.DeleteAsync("address", RowKey.Of(first.Uuid));
        var again = Rows.Address(network);
        await _link.InsertAsync(("address", again));
        Assert.That(Find<AddressDesired>("address", again.Uuid).Ip, Is.EqualTo("198.51.100.1"));
    }

    [Test]
    public async Task Eight_writers_at_once_never_get_the_same_address()
    {
        var network = Rows.Network(_switch) with { Gateway = "198.51.100.9" };
        await _link.InsertAsync(("network", network));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var i = 0; i < 25; i++)
                await _link.InsertAsync(("address", Rows.Address(network)));
        }));
        var given = _link.State.All<AddressDesired>().Select(address => address.Ip!).ToList();
        // The first 200 but the gateway, without a gap.
        Assert.That(given, Is.EquivalentTo(Enumerable.Range(1, 201).Where(last => last != 9).Select(last => $"198.51.100.{last}")));
    }

    [Test]
    public async Task Cards_and_switches_that_are_made_at_once_are_numbered_one_by_one()
    {
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => _link.InsertAsync(
            ("switch", Rows.Switch(Tenant, $"s{i}")), ("vnic", Rows.Vnic(Instance, _switch)))));
        Assert.That(_link.State.All<VnicDesired>().Select(vnic => vnic.Index), Is.EquivalentTo(Enumerable.Range(0, 16)));
        Assert.That(_link.State.All<SwitchDesired>().Select(made => made.Tag), Is.EquivalentTo(Enumerable.Range(1, 17)));
    }

    [Test]
    public async Task Of_networks_that_overlap_and_are_made_at_once_one_stands()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(16, 8).Select(async prefix =>
        {
            try
            {
                await _link.InsertAsync(("network", Rows.Network(_switch) with { Range = $"10.0.0.0/{prefix}" }));
                return "made";
            }
            catch (WriteRefusedException refused)
            {
                return refused.Constraint;
            }
        }));
        Assert.That(outcomes.Count(outcome => outcome == "made"), Is.EqualTo(1));
        Assert.That(outcomes.Where(outcome => outcome != "made"), Has.All.EqualTo("network_range_overlap"));
    }

    [Test]
    public async Task On_another_vlan_or_switch_a_range_may_be_used_again()
    {
        var other = Rows.Switch(Tenant, "other");
        await _link.InsertAsync(
            ("switch", other), ("network", Rows.Network(_switch)), ("network", Rows.Network(_switch) with { VlanTag = 7 }),
            ("network", Rows.Network(other)));
        Assert.That(_link.State.Count("network"), Is.EqualTo(3));
    }

    [Test]
    public async Task A_range_that_shrinks_waits_for_the_address_that_is_being_given_and_is_refused()
    {
        var network = Rows.Network(_switch);
        await _link.InsertAsync(("network", network));
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await RunAsync(connection, $"INSERT INTO address (network, ip) VALUES ('{network.Uuid}', '198.51.100.200')");

        var shrinking = _link.UpdateAsync("network", network, network with { Range = "198.51.100.0/25" });
        await WaitForLockAsync(connection);
        await transaction.CommitAsync();

        Assert.That(async () => await shrinking, Throws.TypeOf<WriteRefusedException>().With.Property("Constraint").EqualTo("network_range_addresses"));
    }

    [Test]
    public async Task An_address_waits_for_the_range_that_is_being_shrunk_and_is_refused()
    {
        var network = Rows.Network(_switch);
        await _link.InsertAsync(("network", network));
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await RunAsync(connection, $"UPDATE network SET range = '198.51.100.0/25' WHERE uuid = '{network.Uuid}'");

        var giving = _link.InsertAsync(("address", Rows.Address(network) with { Ip = "198.51.100.200" }));
        await WaitForLockAsync(connection);
        await transaction.CommitAsync();

        Assert.That(async () => await giving, Throws.TypeOf<WriteRefusedException>().With.Property("Constraint").EqualTo("address_ip_within"));
    }

    [Test]
    public async Task A_card_that_changes_switches_waits_for_the_address_that_it_is_being_given_and_is_refused()
    {
        var network = Rows.Network(_switch);
        var vnic = Rows.Vnic(Instance, _switch);
        var other = Rows.Switch(Tenant, "other");
        await _link.InsertAsync(("network", network), ("vnic", vnic), ("switch", other));
        vnic = Find<VnicDesired>("vnic", vnic.Uuid);
        await using var connection = new NpgsqlConnection(_link.ConnectionString);
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await RunAsync(connection, $"INSERT INTO address (network, vnic) VALUES ('{network.Uuid}', '{vnic.Uuid}')");

        var plugging = _link.UpdateAsync("vnic", vnic, vnic with { Switch = other.Uuid });
        await WaitForLockAsync(connection);
        await transaction.CommitAsync();

        Assert.That(async () => await plugging, Throws.TypeOf<WriteRefusedException>().With.Property("Constraint").EqualTo("vnic_switch_addresses"));
    }

    [Test]
    public async Task A_tenant_goes_with_everything_on_its_networks()
    {
        var network = Rows.Network(_switch);
        var vnic = Rows.Vnic(Instance, _switch);
        await _link.InsertAsync(
            ("network", network), ("vnic", vnic), ("address", Rows.Address(network) with { Vnic = vnic.Uuid }), ("address", Rows.Address(network)),
            ("route", Rows.Route(network)));
        await _link.DeleteAsync("tenant", RowKey.Of(Tenant.Uuid));
        Assert.That(_link.State.All<object>().Where(row => row is not MeteringDesired), Is.Empty);
    }

    [Test]
    public async Task An_instance_goes_with_its_cards_and_their_addresses_and_a_switch_with_its_networks_once_nobody_is_on_it()
    {
        var network = Rows.Network(_switch);
        var vnic = Rows.Vnic(Instance, _switch);
        await _link.InsertAsync(
            ("network", network), ("vnic", vnic), ("address", Rows.Address(network) with { Vnic = vnic.Uuid }), ("route", Rows.Route(network)));
        var refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.DeleteAsync("switch", RowKey.Of(_switch.Uuid))))!;
        Assert.That((refused.Refusal, refused.Constraint), Is.EqualTo((Refusal.StillReferenced, "vnic_switch_fkey")));

        await _link.DeleteAsync("instance", RowKey.Of(Instance.Uuid));
        Assert.That((_link.State.Count("vnic"), _link.State.Count("address"), _link.State.Count("network")), Is.EqualTo((0, 0, 1)));
        await _link.DeleteAsync("switch", RowKey.Of(_switch.Uuid));
        Assert.That((_link.State.Count("network"), _link.State.Count("route")), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_bond_goes_and_leaves_its_cards_and_a_host_takes_all_of_them_along()
    {
        var host = Rows.Host();
        var bond = Rows.Bond(host);
        var nic = Rows.Nic(host) with { Bond = bond.Uuid };
        await _link.InsertAsync(("host", host), ("bond", bond), ("nic", nic), ("net_role", Rows.NetRole(bond)));
        await _link.DeleteAsync("bond", RowKey.Of(bond.Uuid));
        Assert.That(_link.State.Find<NicDesired>("nic", RowKey.Of(nic.Hwaddr)), Is.EqualTo(nic with { Bond = null }));
        await _link.DeleteAsync("host", RowKey.Of(host.Uuid));
        Assert.That((_link.State.Count("nic"), _link.State.Count("net_role")), Is.EqualTo((0, 0)));
    }

    private T Find<T>(string entity, Guid uuid)
        where T : class => _link.State.Find<T>(entity, RowKey.Of(uuid))!;

    internal static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Until another session waits for what this one holds.</summary>
    internal static async Task WaitForLockAsync(NpgsqlConnection holder)
    {
        await using var command = new NpgsqlCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))", holder);
        while ((long)(await command.ExecuteScalarAsync())! == 0)
            await Task.Yield();
    }
}
