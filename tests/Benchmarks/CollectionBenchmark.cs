using System.Text.Json;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// GET of a collection of 10,000 instances through the API, against an endpoint of the same server that sends as many
/// bytes which it has ready, and one that reads the same rows from PostgreSQL for each request; and of 1,000 and 10,000
/// against one that lets PostgreSQL make the whole answer.
/// </summary>
internal static class CollectionBenchmark
{
    private const int Rounds = 5;
    private const double JsonBar = 10;
    private const int Instances = 10_000;
    private const int FewerInstances = 1000;

    // As the API does, so that the peer is not held up by one large write.
    private const int Chunk = 32 * 1024;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        var database = new MemoryDatabase(EntityCatalog.Load());
        var (tenant, instances) = Fill(database, Instances);
        var (fewer, fewerInstances) = Fill(database, FewerInstances);

        await using var server = await PostgresServer.StartNewAsync();
        await using var source = NpgsqlDataSource.Create(await server.CreateDatabaseAsync() + ";Maximum Pool Size=32");
        await InsertAsync(source, tenant, instances);
        await InsertAsync(source, fewer, fewerInstances);
        var bytes = Array.Empty<byte>();
        await using var api = await ApiInProcess.StartAsync(database, application =>
        {
            application.MapGet("/bytes", context => SendAsync(context, bytes));
            application.MapGet("/sql", context => ReadAsync(context, source, tenant.Uuid));
            application.MapGet("/json/{tenant:guid}", context => ReadJsonAsync(context, source));
        });
        var collection = Collection(tenant);
        bytes = await api.Http.GetByteArrayAsync(new Uri(collection));

        string[] urls =
        [
            $"{api.Address}/bytes", collection, $"{collection}?limit=100&state=stopped", $"{api.Address}/sql", $"{api.Address}/json/{tenant.Uuid}",
            Collection(fewer), $"{api.Address}/json/{fewer.Uuid}",
        ];
        var rates = urls.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < urls.Length; i++)
            {
                var rate = await HttpLoad.RunAsync(urls[i], api.Token);
                if (round > 0)
                    rates[i].Add(rate); // The first warms up.
            }
        }
        var (sent, whole, page, sql, json) = (Median(rates[0]), Median(rates[1]), Median(rates[2]), Median(rates[3]), Median(rates[4]));
        return
        [
            new Result("GET of 1,000 instances", Median(rates[5]), "requests/s", "json_object_agg per request", Median(rates[6]), JsonBar, HigherIsBetter: true),
            new Result("GET of 10,000 instances", whole, "requests/s", "json_object_agg per request", json, JsonBar, HigherIsBetter: true),
            new Result("GET of 10,000 instances", whole, "requests/s", "Kestrel sending as many bytes", sent),
            new Result("GET of 10,000 instances", whole, "requests/s", "Dapper per request", sql, 2, HigherIsBetter: true),
            new Result("page of 100 out of them, filtered", page, "requests/s", "GET of all of them", whole, 5, HigherIsBetter: true),
        ];

        string Collection(TenantDesired of) => $"{api.Address}/api/v1/tenant/{of.Uuid}/instance";
    }

    private static (TenantDesired Tenant, List<InstanceDesired> Instances) Fill(MemoryDatabase database, int count)
    {
        var tenant = new TenantDesired { Uuid = Guid.NewGuid(), Name = "benchmark", Approved = true };
        var instances = Enumerable.Range(0, count)
            .Select(i => new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = tenant.Uuid, Name = $"instance-{i}", Mem = 1024 })
            .ToList();
        database.Put(tenant);
        database.Put([.. instances]);
        database.Report([.. instances.Select(instance => new InstanceCurrent { Uuid = instance.Uuid, Status = InstanceStatus.Unplaced })]);
        return (tenant, instances);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static async Task SendAsync(HttpContext context, byte[] bytes)
    {
        context.Response.ContentType = "application/json";
        for (var start = 0; start < bytes.Length; start += Chunk)
            await context.Response.BodyWriter.WriteAsync(bytes.AsMemory(start, Math.Min(Chunk, bytes.Length - start)), context.RequestAborted);
    }

    private static async Task ReadAsync(HttpContext context, NpgsqlDataSource source, Guid tenant)
    {
        await using var connection = await source.OpenConnectionAsync(context.RequestAborted);
        var rows = await connection.QueryAsync<SqlInstance>(
            """
            SELECT uuid, tenant, name, state, vcpu, rcpu, mem, cpu_profile AS "CpuProfile", stop_timeout AS "StopTimeout"
            FROM instance WHERE tenant = @tenant ORDER BY uuid
            """,
            new { tenant });
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, rows.ToDictionary(row => row.Uuid, row => new { desired = row }), Json, context.RequestAborted);
    }

    private static async Task ReadJsonAsync(HttpContext context, NpgsqlDataSource source)
    {
        await using var connection = await source.OpenConnectionAsync(context.RequestAborted);
        var answer = await connection.QuerySingleAsync<string>(
            "SELECT json_object_agg(uuid, json_build_object('desired', to_json(instance)) ORDER BY uuid) FROM instance WHERE tenant = @tenant",
            new { tenant = Guid.Parse((string)context.Request.RouteValues["tenant"]!) });
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer, context.RequestAborted);
    }

    private static async Task InsertAsync(NpgsqlDataSource source, TenantDesired tenant, List<InstanceDesired> instances)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(
            "INSERT INTO tenant (uuid, name, approved) VALUES (@Uuid, @Name, @Approved)", new { tenant.Uuid, tenant.Name, tenant.Approved });
        await connection.ExecuteAsync(
            "INSERT INTO instance (uuid, tenant, name, mem) SELECT uuid, @tenant, name, 1024 FROM unnest(@uuids, @names) AS t (uuid, name)",
            new
            {
                tenant = tenant.Uuid,
                uuids = instances.Select(instance => instance.Uuid).ToArray(),
                names = instances.Select(instance => instance.Name).ToArray(),
            });
    }

    private sealed class SqlInstance
    {
        public Guid Uuid { get; init; }

        public Guid Tenant { get; init; }

        public string Name { get; init; } = "";

        public string State { get; init; } = "";

        public int Vcpu { get; init; }

        public int Rcpu { get; init; }

        public long Mem { get; init; }

        public Guid? CpuProfile { get; init; }

        public int StopTimeout { get; init; }
    }
}
