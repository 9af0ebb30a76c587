using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>A host that an operator has given up has no places, whoever writes and in whatever order.</summary>
[TestFixture]
public sealed class GoneHostTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private readonly HostDesired _host = Rows.Host();
    private readonly HostDesired _other = Rows.Host("ponyville");
    private InstanceDesired _instance = null!;
    private InstanceDesired _second = null!;
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        _instance = Rows.Instance(_tenant);
        _second = Rows.Instance(_tenant, "second");
        await _link.InsertAsync(
            ("tenant", _tenant), ("host", _host), ("host", _other), ("instance", _instance), ("instance", _second),
            ("host_instance", Rows.Place(_host, _instance)), ("host_instance", Rows.Place(_other, _second)));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task Its_places_go_in_the_transaction_that_says_so_and_its_row_stays()
    {
        await _link.UpdateAsync("host", _host, _host with { State = HostState.Gone });

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_link.State.All<HostInstanceDesired>(), Is.EqualTo(new[] { Rows.Place(_other, _second) }));
            Assert.That(_link.State.Find<HostDesired>("host", RowKey.Of(_host.Uuid))?.State, Is.EqualTo(HostState.Gone));
            Assert.That(
                _link.State.Transactions[^1].OfType<DatabaseChange.OfRow>().Select(change => change.Change.Entity.Name),
                Is.EquivalentTo(["host", "host_instance"]));
        }
    }

    [Test]
    public async Task It_gets_no_place_until_it_is_present_again()
    {
        await _link.UpdateAsync("host", _host, _host with { State = HostState.Gone });

        var refused = (await Assert.ThrowsAsync<WriteRefusedException>(() => _link.InsertAsync(("host_instance", Rows.Place(_host, _instance)))))!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((refused.Constraint, refused.Message), Is.EqualTo(("host_instance_host_gone", "The host is gone.")));
            Assert.That((refused.Refusal, refused.Write), Is.EqualTo((Refusal.Rule, 0)));
        }
        await _link.UpdateAsync("host", _host with { State = HostState.Gone }, _host);
        await _link.InsertAsync(("host_instance", Rows.Place(_host, _instance)));
        Assert.That(_link.State.Count("host_instance"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_place_that_is_being_made_while_the_host_is_given_up_goes_too()
    {
        await _link.DeleteAsync("host_instance", RowKey.Of(_host.Uuid.ToString(), _instance.Uuid.ToString()));
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using (var making = await connection.BeginTransactionAsync())
        {
            await using var place = new NpgsqlCommand($"INSERT INTO host_instance VALUES ('{_host.Uuid}', '{_instance.Uuid}')", connection);
            await place.ExecuteNonQueryAsync();
            var given = _link.UpdateAsync("host", _host, _host with { State = HostState.Gone });
            await making.CommitAsync();
            await given;
        }

        Assert.That(_link.State.All<HostInstanceDesired>(), Is.EqualTo(new[] { Rows.Place(_other, _second) }));
    }

    [Test]
    public async Task An_instance_cannot_be_moved_to_it_by_hand()
    {
        await _link.UpdateAsync("host", _host, _host with { State = HostState.Gone });

        Assert.That(
            () => _link.ExecuteAsync($"UPDATE host_instance SET host = '{_host.Uuid}'"),
            Throws.TypeOf<PostgresException>().With.Property(nameof(PostgresException.ConstraintName)).EqualTo("host_instance_host_gone"));
    }
}
