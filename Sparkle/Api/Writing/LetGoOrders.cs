using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>Where requests go that the database did not take: if they only let go, they are journaled.</summary>
/// <param name="desk">Takes such orders; where there is none, none is taken.</param>
public sealed partial class LetGoOrders(JsonBuffers buffers, ILogger<LetGoOrders> logger, ILetGoDesk? desk = null)
{
    /// <summary>Set on the answer to an order that is on the controller's disk and not in the database: since when.</summary>
    public const string JournaledHeader = "PonyCloud-Journaled";

    /// <returns>False when the request is to be refused after all; nothing was done then.</returns>
    /// <exception cref="ConcurrentChangeException">A row changed meanwhile.</exception>
    /// <exception cref="JournalException">The disk did not take them.</exception>
    internal async Task<bool> TakeAsync(WriteCall call, IReadOnlyList<PlannedWrite> writes, bool mayStand)
    {
        if (desk is null)
            return false;
        var caller = call.Caller;
        // Not cut short when the client goes: what was begun may be on the disk, and then it has to show.
        call.Journaled = await desk.TakeAsync(
            [.. writes.Select(planned => planned.Write)], new OrderGiver(caller.Email, caller.Tenant), mayStand, CancellationToken.None);
        if (call.Journaled is not { } taken)
            return false;
        foreach (var (change, isWithdrawn) in taken.Rows)
        {
            LogJournaled(
                Uri.EscapeDataString(caller.Email), caller.Tenant, call.Context.Connection.RemoteIpAddress?.ToString(),
                isWithdrawn ? "withdraw" : "journal", change.Entity.Name, string.Join('/', change.Key.Parts.Select(Uri.EscapeDataString)));
        }
        return true;
    }

    /// <summary>Answers that the orders are taken and not in the database yet.</summary>
    internal async Task AnswerAsync(HttpContext context, TakenOrders taken)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        var at = taken.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", CultureInfo.InvariantCulture);
        context.Response.Headers[JournaledHeader] = at;
        var buffer = buffers.Get();
        try
        {
            var json = buffer.Json;
            json.WriteStartObject();
            json.WriteString("journaled", at);
            json.WriteString("detail", "The database did not take the order in time. It is kept on disk, is being carried out, and is written to the database as soon as that answers, unless the row was changed there meanwhile.");
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
            json.Flush();
            await RowReader.SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }

    [LoggerMessage(3031, LogLevel.Information, "{User} (tenant {Tenant}) from {Address}, while the database is away: {What} update {Table} {Key}")]
    private partial void LogJournaled(string user, string? tenant, string? address, string what, string table, string key);
}
