using System.Globalization;
using Npgsql;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>The orders of a fleet in a database of a server of its own.</summary>
internal sealed class FleetDatabase : IAsyncDisposable
{
    private const int TimeoutSeconds = 300;

    private readonly PostgresServer _server;
    private readonly NpgsqlDataSource _source;

    private FleetDatabase(PostgresServer server, string connectionString)
    {
        _server = server;
        ConnectionString = connectionString;
        _source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = TimeoutSeconds });
    }

    public string ConnectionString { get; }

    public static async Task<FleetDatabase> StartAsync()
    {
        var server = await PostgresServer.StartNewAsync();
        return new FleetDatabase(server, await server.CreateDatabaseAsync());
    }

    public async Task FillAsync(int hosts)
    {
        await using var connection = await _source.OpenConnectionAsync();
        var all = Enumerable.Range(0, hosts).ToArray();
        await CopyAsync(
            connection, "COPY tenant (uuid, name, approved) FROM STDIN",
            all.Where(host => host % FleetShape.HostsPerTenant == 0).Select(host => $"{FleetShape.Tenant(host)}\ttenant-{host}\tt"));
        await CopyAsync(
            connection, "COPY host (uuid, name, agent_key) FROM STDIN",
            all.Select(host => $"{FleetShape.Host(host)}\t{FleetShape.HostName(host)}\t{FleetKeys.Of(host).PublicKey}"));
        await CopyAsync(
            connection, "COPY instance (uuid, tenant, name, state, mem) FROM STDIN",
            Instances(all).Select(at =>
            {
                var order = FleetShape.Order(at.Host, at.Number);
                return string.Create(CultureInfo.InvariantCulture, $"{order.Uuid}\t{order.Tenant}\t{order.Name}\trunning\t{order.Mem}");
            }));
        await CopyAsync(
            connection, "COPY host_instance (host, instance) FROM STDIN",
            Instances(all).Select(at => $"{FleetShape.Host(at.Host)}\t{FleetShape.Instance(at.Host, at.Number)}"));
    }

    /// <summary>Orders another number of vCPUs for the first instance of a host, or of each.</summary>
    public async Task OrderAsync(int vcpu, int? host = null)
    {
        await using var command = _source.CreateCommand(
            host is null
                ? "UPDATE instance SET vcpu = $1 WHERE name LIKE 'server-%-00'"
                : "UPDATE instance SET vcpu = $1 WHERE uuid = $2");
        command.Parameters.Add(new NpgsqlParameter { Value = vcpu });
        if (host is { } one)
            command.Parameters.Add(new NpgsqlParameter { Value = FleetShape.Instance(one, 0) });
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>How often a host was noticed to be silent.</summary>
    public async Task<long> UnreachableAsync()
    {
        await using var command = _source.CreateCommand("SELECT coalesce(sum(count), 0)::bigint FROM event WHERE type = 'host-unreachable'");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static IEnumerable<(int Host, int Number)> Instances(IEnumerable<int> hosts) =>
        hosts.SelectMany(host => Enumerable.Range(0, FleetShape.Places).Select(number => (host, number)));

    private static async Task CopyAsync(NpgsqlConnection connection, string sql, IEnumerable<string> lines)
    {
        await using var writer = await connection.BeginTextImportAsync(sql);
        foreach (var line in lines)
        {
            await writer.WriteAsync(line);
            await writer.WriteAsync('\n');
        }
    }
}
