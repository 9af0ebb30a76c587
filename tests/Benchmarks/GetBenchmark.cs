using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Control;
using PonyCloud.TestKit.Database;

namespace PonyCloud.Benchmarks;

/// <summary>
/// GET of one instance through the API, authenticated, over 32 connections, against an endpoint of the same server that
/// answers nothing, and one that reads the same row from PostgreSQL for each request.
/// </summary>
internal static class GetBenchmark
{
    private const int Rounds = 5;
    private const int Instances = 10_000;

    public static async Task<IEnumerable<Result>> RunAsync()
    {
        await using var server = await PostgresServer.StartNewAsync();
        await using var source = NpgsqlDataSource.Create(await server.CreateDatabaseAsync() + ";Maximum Pool Size=32");
        var (database, tenant, instance) = Fill();
        await InsertAsync(source, database.Catalog, tenant, instance);
        await using var running = await ApiInProcess.StartAsync(database, application => MapPeers(application, source));
        var address = running.Address;
        string[] urls = [$"{address}/empty", $"{address}/api/v1/tenant/{tenant.Uuid}/instance/{instance.Uuid}", $"{address}/sql/{instance.Uuid}"];

        var rates = urls.Select(_ => new List<double>()).ToArray();
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < urls.Length; i++)
            {
                var rate = await HttpLoad.RunAsync(urls[i], running.Token);
                if (round > 0)
                    rates[i].Add(rate); // The first warms up.
            }
        }
        var (empty, api, sql) = (Median(rates[0]), Median(rates[1]), Median(rates[2]));
        return
        [
            new Result("GET of an instance", api, "requests/s", "an empty Kestrel endpoint", empty, 0.65, HigherIsBetter: true),
            new Result("GET of an instance", api, "requests/s", "Dapper per request", sql, 4, HigherIsBetter: true),
        ];
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static (MemoryDatabase, TenantDesired, InstanceDesired) Fill()
    {
        var database = new MemoryDatabase(EntityCatalog.Load());
        var tenant = new TenantDesired { Uuid = Guid.NewGuid(), Name = "benchmark", Approved = true };
        var instances = Enumerable.Range(0, Instances)
            .Select(i => new InstanceDesired { Uuid = Guid.NewGuid(), Tenant = tenant.Uuid, Name = $"instance-{i}", Mem = 1024 })
            .ToList();
        database.Put(tenant);
        database.Put([.. instances]);
        return (database, tenant, instances[Instances / 2]);
    }

    private static async Task InsertAsync(NpgsqlDataSource source, EntityCatalog catalog, TenantDesired tenant, InstanceDesired instance)
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.ExecuteAsync(
            "INSERT INTO tenant (uuid, name, approved) VALUES (@Uuid, @Name, @Approved)", new { tenant.Uuid, tenant.Name, tenant.Approved });
        await connection.ExecuteAsync(
            "INSERT INTO instance (uuid, tenant, name, state, vcpu, rcpu, mem, stop_timeout) VALUES (@Uuid, @Tenant, @Name, @State, @Vcpu, @Rcpu, @Mem, @StopTimeout)",
            new
            {
                instance.Uuid,
                instance.Tenant,
                instance.Name,
                State = catalog["instance"].Desired!.Column("state")!.EnumName(instance.State),
                instance.Vcpu,
                instance.Rcpu,
                instance.Mem,
                instance.StopTimeout,
            });
    }

    private static void MapPeers(WebApplication application, NpgsqlDataSource source)
    {
        application.MapGet("/empty", static _ => Task.CompletedTask);
        application.MapGet("/sql/{uuid:guid}", async context =>
        {
            await using var connection = await source.OpenConnectionAsync(context.RequestAborted);
            var row = await connection.QuerySingleAsync<string>(
                "SELECT json_build_object('desired', to_json(instance)) FROM instance WHERE uuid = @uuid",
                new { uuid = Guid.Parse((string)context.Request.RouteValues["uuid"]!) });
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(row, context.RequestAborted);
        });
    }
}
