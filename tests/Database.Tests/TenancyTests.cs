using Dapper;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Tenancy;

namespace PonyCloud.Database.Tests;

/// <summary>Limits that hold whoever writes at the same time, and metering that neither overlaps nor leaves gaps.</summary>
[TestFixture]
public sealed class TenancyTests
{
    private readonly TenantDesired _tenant = Rows.Tenant();
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync()
    {
        _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());
        await _link.InsertAsync(("tenant", _tenant));
    }

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task Orders_at_once_do_not_pass_a_limit_together([Values("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")] string isolation)
    {
        const int limit = 5;
        await LimitAsync(ResourceType.Vcpu, limit);
        var instances = Enumerable.Range(0, 16).Select(i => Rows.Instance(_tenant, $"i{i}") with { Vcpu = 1 }).ToList();
        await _link.InsertAsync([.. instances.Select(instance => ("instance", (object)instance))]);

        // All of them are open before the first one looks.
        using var all = new Barrier(instances.Count);
        var outcomes = await Task.WhenAll(instances.Select(instance => Task.Run(() => StartAsync(instance, isolation, all))));

        Assert.That(outcomes.Count(started => started), Is.LessThanOrEqualTo(limit));
        // At the stricter levels some fail because of the others, and are tried again by whoever wants them.
        foreach (var instance in instances)
            await StartAsync(instance, isolation, null);
        Assert.That(await RunningAsync(), Is.EqualTo(limit));
    }

    [Test]
    public async Task What_lets_go_is_taken_below_the_limit_and_above_it()
    {
        await LimitAsync(ResourceType.Mem, 1024);
        var running = Rows.Instance(_tenant) with { State = InstanceState.Running, Mem = 1024 };
        await _link.InsertAsync(("instance", running));
        await _link.ExecuteAsync("UPDATE quota SET \"limit\" = 10");

        var smaller = running with { Mem = 512 };
        await _link.UpdateAsync("instance", running, smaller);
        await _link.UpdateAsync("instance", smaller, smaller with { State = InstanceState.Paused });
        await _link.UpdateAsync("instance", smaller with { State = InstanceState.Paused }, smaller with { State = InstanceState.Stopped });
        var refused = (await Assert.ThrowsAsync<WriteRefusedException>(
            () => _link.UpdateAsync("instance", smaller with { State = InstanceState.Stopped }, smaller)))!;

        Assert.That((refused.Constraint, refused.Refusal), Is.EqualTo(("instance_mem_quota", Refusal.Rule)));
        Assert.That(refused.Columns, Is.EqualTo(new[] { "state" }));
        Assert.That(refused.Message, Is.EqualTo("The tenant's quota of memory does not suffice."));
    }

    [Test]
    public async Task Metering_tells_at_every_moment_what_was_on_order([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        var instances = new List<InstanceDesired>();
        var expected = new Dictionary<Guid, List<(ResourceType Type, long Amount)>>();
        for (var step = 0; step < 60; step++)
        {
            if (instances.Count == 0 || random.Next(5) == 0)
            {
                instances.Add(Rows.Instance(_tenant, $"i{step}") with { State = Any(random) });
                await _link.InsertAsync(("instance", instances[^1]));
            }
            else if (random.Next(6) == 0)
            {
                await _link.DeleteAsync("instance", RowKey.Of(instances[0].Uuid));
                instances.RemoveAt(0);
            }
            else
            {
                var at = random.Next(instances.Count);
                var changed = instances[at] with { State = Any(random), Vcpu = 2 + random.Next(3), Mem = 64 << random.Next(3) };
                await _link.UpdateAsync("instance", instances[at], changed);
                instances[at] = changed;
            }
            expected.Clear();
            foreach (var instance in instances)
                expected[instance.Uuid] = [.. Amounts(instance)];
            Assert.That(
                _link.State.All<MeteringDesired>().Where(row => row.End is null).Select(row => (row.Target, row.Type, row.Amount)),
                Is.EquivalentTo(expected.SelectMany(pair => pair.Value.Select(one => (pair.Key, one.Type, one.Amount)))));
        }
        // An existence is metered without a gap from the first moment to the last.
        var gaps = await _link.QueryAsync<int>("""
            SELECT count(*) FROM (
                SELECT "end", lead(start) OVER (PARTITION BY target, type ORDER BY start) AS next FROM metering WHERE type = 'instances') AS each
            WHERE next IS NOT NULL AND next <> "end"
            """);
        Assert.That(gaps, Is.Zero);
    }

    [Test]
    public async Task Metering_goes_on_in_one_piece_when_only_the_size_changes()
    {
        var instance = Rows.Instance(_tenant) with { State = InstanceState.Running };
        await _link.InsertAsync(("instance", instance));
        await _link.UpdateAsync("instance", instance, instance with { Vcpu = 8 });
        await _link.UpdateAsync("instance", instance with { Vcpu = 8 }, instance with { Vcpu = 8, Name = "renamed" });

        var rows = _link.State.All<MeteringDesired>().Where(row => row.Type == ResourceType.Vcpu).OrderBy(row => row.Start).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(rows.Select(row => row.Amount), Is.EqualTo(new[] { 2, 8 }));
            Assert.That(rows[^1].Start, Is.EqualTo(rows[0].End));
            Assert.That(rows[1].End, Is.Null);
            Assert.That(rows.Select(row => row.Kind.Text), Is.EqualTo(new[]
            {
                """{"name":"web","cpu_profile":null}""",
                """{"name":"renamed","cpu_profile":null}""",
            }));
        }
    }

    [Test]
    public async Task What_was_metered_outlives_the_tenant()
    {
        await _link.InsertAsync(("instance", Rows.Instance(_tenant) with { State = InstanceState.Running }), ("switch", Rows.Switch(_tenant)));
        await _link.DeleteAsync("tenant", RowKey.Of(_tenant.Uuid));

        var rows = _link.State.All<MeteringDesired>().ToList();
        Assert.That(rows.Select(row => row.Type), Is.EquivalentTo(
            new[] { ResourceType.Instances, ResourceType.Vcpu, ResourceType.Rcpu, ResourceType.Mem, ResourceType.Switches }));
        Assert.That(rows, Has.All.Matches<MeteringDesired>(row => row is { End: { } end } && row.Tenant == _tenant.Uuid && end > row.Start));
    }

    [Test]
    public async Task What_is_shown_as_used_is_what_the_database_counts([Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        var controller = new Controller(Link.Catalog, [new QuotaUsage(Link.Catalog)]);
        controller.Load([RowChange.Set(Link.Catalog["tenant"], RowPart.Desired, _tenant)], 1);
        var followed = _link.State.Transactions.Count - 1;
        var (pool, profile, shared) = (Rows.StoragePool(), Rows.CpuProfile(), Rows.Switch(null, "shared"));
        var (network, own) = (Rows.Network(shared), Rows.Switch(_tenant, "own"));
        await _link.InsertAsync(("storage_pool", pool), ("cpu_profile", profile), ("switch", shared), ("network", network), ("switch", own));
        foreach (var type in Enum.GetValues<ResourceType>())
            await _link.InsertAsync(("quota", Rows.Quota(_tenant, type)));
        await _link.InsertAsync(
            ("quota", Rows.Quota(_tenant, pool)),
            ("quota", Rows.Quota(_tenant, ResourceType.Mem) with { CpuProfile = profile.Uuid }),
            ("quota", Rows.Quota(_tenant, ResourceType.Ips) with { Network = network.Uuid }));
        var vnics = new List<VnicDesired>();
        for (var i = 0; i < 12; i++)
        {
            var instance = Rows.Instance(_tenant, $"i{i}") with
            {
                State = Any(random),
                CpuProfile = random.Next(2) == 0 ? profile.Uuid : null,
            };
            vnics.Add(Rows.Vnic(instance, random.Next(2) == 0 ? shared : own));
            await _link.InsertAsync(("instance", instance), ("vnic", vnics[^1]));
            if (vnics[^1].Switch == shared.Uuid)
                await _link.InsertAsync(("address", Rows.Address(network) with { Vnic = vnics[^1].Uuid }));
            await _link.InsertAsync(("volume", Rows.Volume(_tenant, pool, $"v{i}") with { Size = 1 + random.Next(100) }));
        }
        await _link.ExecuteAsync($"""
            UPDATE volume SET state = 'deleted' WHERE size % 2 = 0;
            DELETE FROM instance WHERE name IN ('i{random.Next(12)}', 'i{random.Next(12)}');
            UPDATE instance SET state = 'running' WHERE vcpu = 2 AND name > 'i3';
            UPDATE address SET vnic = NULL WHERE vnic = '{vnics[random.Next(12)].Uuid}'
            """);
        await _link.InsertAsync(("switch", Rows.Switch(_tenant, "last")));

        foreach (var transaction in _link.State.Transactions.Skip(followed + 1))
            controller.Commit(transaction);
        var shown = controller.Published![Link.Catalog["quota"]].Rows.ToDictionary(row => Guid.Parse(row.Key.Text), row => ((QuotaCurrent)row.Current!).Used);
        foreach (var (uuid, used) in shown)
            Assert.That(await _link.QueryAsync<long>($"SELECT quota_used(quota)::bigint FROM quota WHERE uuid = '{uuid}'"), Is.EqualTo(used));
        Assert.That(shown, Has.Count.EqualTo(10));
        Assert.That(shown.Values, Has.Some.GreaterThan(0));
    }

    private static IEnumerable<(ResourceType, long)> Amounts(InstanceDesired instance)
    {
        yield return (ResourceType.Instances, 1);
        if (instance.State == InstanceState.Stopped)
            yield break;
        yield return (ResourceType.Vcpu, instance.Vcpu);
        yield return (ResourceType.Rcpu, instance.Rcpu);
        yield return (ResourceType.Mem, instance.Mem);
    }

    private static InstanceState Any(Random random) => (InstanceState)random.Next(3);

    private Task LimitAsync(ResourceType type, long limit) =>
        _link.InsertAsync(("quota", Rows.Quota(_tenant, type) with { Limit = limit }));

    private async Task<bool> StartAsync(InstanceDesired instance, string isolation, Barrier? all)
    {
        await using var connection = new NpgsqlConnection(_link.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await connection.ExecuteAsync($"BEGIN ISOLATION LEVEL {isolation}");
        await connection.ExecuteScalarAsync("SELECT count(*) FROM instance");
        all?.SignalAndWait();
        try
        {
            await connection.ExecuteAsync("UPDATE instance SET state = 'running' WHERE uuid = @Uuid; COMMIT", instance);
            return true;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.RaiseException or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
        {
            return false;
        }
    }

    private Task<int> RunningAsync() => _link.QueryAsync<int>("SELECT count(*)::int FROM instance WHERE state = 'running'");
}
