using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>States that are too large for one message, so that they can be broken off in their middle.</summary>
public abstract class BulkFixture : FaultFixture
{
    /// <summary>As many rows of either kind are about two megabytes.</summary>
    protected const int Many = 5000;

    /// <summary>Bytes of a connection after which a full state of so many rows is on its way, and not there yet.</summary>
    protected const int Middle = 700_000;

    /// <summary>The rows that a host has with that many instances: itself, places and instances.</summary>
    protected const int ManyOrdered = 1 + 2 * Many;

    /// <summary>Orders many instances on a host, none of them to run.</summary>
    protected async Task OrderManyAsync(Guid host)
    {
        await Running.PsqlAsync($"""
            WITH made AS (
                INSERT INTO instance (tenant, name, mem) SELECT '{Running.Tenant}', 'bulk-' || number, 16 FROM generate_series(1, {Many}) number
                RETURNING uuid)
            INSERT INTO host_instance (host, instance) SELECT '{host}', uuid FROM made;
            """);
        // Nobody waits for a commit of psql: Sparkle knows it a moment later.
        await Eventually.SeesAsync("the orders to be known", _ => RowsAsync(host), rows => rows.Count() == Many);
    }

    [TearDown]
    public async Task ForgetManyAsync() => await Running.PsqlAsync("""
        DELETE FROM instance WHERE name LIKE 'bulk-%';
        DELETE FROM cpu_profile WHERE name LIKE 'bulk-%';
        """);

    /// <summary>How many instances of a host are shown as it reports them.</summary>
    protected async Task<int> ShownAsync(Guid host) => (await RowsAsync(host)).Count(row => row["current"]?.HasValues == true);

    /// <summary>Waits until so many are shown. At no look may it be another number than before or after.</summary>
    protected Task<int> ShowsAsync(Guid host, int before, int after) => Eventually.SeesAsync(
        $"{after} instances to be shown",
        async _ =>
        {
            var shown = await ShownAsync(host);
            return shown == before || shown == after ? shown : throw new InvalidOperationException($"Half a state is shown: {shown} instances.");
        },
        shown => shown == after);

    private async Task<JEnumerable<JToken>> RowsAsync(Guid host) =>
        (await Running.Alicorn.GetAsync($"/host/{host}/instance")).PropertyValues();
}
