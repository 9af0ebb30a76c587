using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Where requests go that the database did not take: if they only let go, they are journaled.</summary>
/// <param name="desk">Takes such orders; where there is none, none is taken.</param>
public sealed partial class LetGoOrders(ILogger<LetGoOrders> logger, ILetGoDesk? desk = null)
{
    /// <summary>Set on the answer to an order that is on the controller's disk and not in the database: since when.</summary>
    public const string JournaledHeader = "PonyCloud-Journaled";

    private const string Detail =
        "The database did not take the order in time. It is kept on disk, is being carried out, and is written to the database as soon as that answers, unless the row was changed there meanwhile.";

    /// <returns>The answer; null when the request is to be refused after all, and nothing was done then.</returns>
    /// <exception cref="ConcurrentChangeException">A row changed meanwhile.</exception>
    /// <exception cref="JournalException">The disk did not take them.</exception>
    internal async Task<ChangeAnswer?> TakeAsync(WriteCall call, IReadOnlyList<PlannedWrite> writes, RequestKey? key, bool mayStand)
    {
        if (desk is null)
            return null;
        var caller = call.Caller;
        var request = key is null ? null : new RepeatableRequest(key, taken => AnswerTo(taken).ToJson());
        // Not cut short when the client goes: what was begun may be on the disk, and then it has to show.
        var taken = await desk.TakeAsync(
            [.. writes.Select(planned => planned.Write)], new OrderGiver(caller.Email, caller.Tenant), mayStand, request, CancellationToken.None);
        if (taken is null)
            return null;
        foreach (var (change, isWithdrawn) in taken.Rows)
        {
            LogJournaled(
                Uri.EscapeDataString(caller.Email), caller.Tenant, call.Context.Connection.RemoteIpAddress?.ToString(),
                isWithdrawn ? "withdraw" : "journal", change.Entity.Name, string.Join('/', change.Key.Parts.Select(Uri.EscapeDataString)));
        }
        return AnswerTo(taken);
    }

    /// <summary>What is kept of a request whose orders wait for the database; null when there is none.</summary>
    /// <exception cref="JournalException">The disk does not answer.</exception>
    internal async Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation) =>
        desk is null ? null : await desk.FindAsync(key, cancellation);

    /// <summary>Answers that the orders are taken and were not in the database yet.</summary>
    internal static async Task AnswerAsync(HttpContext context, JournaledAnswer answer)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.Headers[JournaledHeader] = answer.At;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.Body, context.RequestAborted);
    }

    private static ChangeAnswer AnswerTo(TakenOrders taken)
    {
        var at = taken.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("journaled", at);
            json.WriteString("detail", Detail);
            json.WriteStartArray("orders");
            foreach (var (change, isWithdrawn) in taken.Rows)
            {
                json.WriteStartObject();
                json.WriteString("table", change.Entity.Name);
                json.WritePropertyName("key");
                change.Key.Write(json);
                json.WriteBoolean("withdrawn", isWithdrawn);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return new ChangeAnswer(StatusCodes.Status202Accepted, null, [])
        {
            Journaled = new JournaledAnswer(at, Encoding.UTF8.GetString(stream.ToArray())),
        };
    }

    [LoggerMessage(3031, LogLevel.Information, "{User} (tenant {Tenant}) from {Address}, while the database is away: {What} update {Table} {Key}")]
    private partial void LogJournaled(string user, string? tenant, string? address, string what, string table, string key);
}
