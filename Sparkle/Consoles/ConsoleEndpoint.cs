using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Json;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Writing;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>Makes tickets for consoles. The checks, and their order, are those of a change of the instance's row.</summary>
internal sealed class ConsoleEndpoint(
    ApiEndpoint api,
    ResourceTree tree,
    Authenticator authenticator,
    RequestReader bodies,
    ConsoleHosts hosts,
    ConsoleTickets tickets,
    AuditLog audit,
    JsonBuffers buffers)
{
    public const string Path = ApiEndpoint.Root + "/tenant/{tenant}/instance/{instance}/console";

    private const string Allow = "OPTIONS, POST";
    private const string Type = "type";

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        api.TellDatabase(context);
        var token = Authenticator.RequireToken(context.Request);
        var caller = await authenticator.RequireCallerAsync(context.Request, token, snapshot);
        var resource = ResourceOf(tree, context);
        if (context.Request.QueryString.HasValue)
            ReadQuery.RefuseUnknown([.. context.Request.Query.Keys]);
        if (ApiEndpoint.AnswerAllow(context, Allow))
            return;
        api.Require(context, caller, resource, Operation.Change);
        if (!resource.TryFind(snapshot, out var row) || row?.Desired is not InstanceDesired instance)
            throw ApiEndpoint.NoSuchRow();
        var type = TypeOf((await bodies.ReadJsonAsync(context.Request, "application/json")).Json);
        hosts.RequireRunning(snapshot, instance.Uuid);
        var (text, expires) = tickets.Issue(new ConsoleTicket(resource, instance.Uuid, type, token, caller.Token!.Expires));
        audit.ConsoleTicketMade(context, caller, instance.Uuid, type.ToString());
        context.Response.StatusCode = StatusCodes.Status201Created;
        await AnswerAsync(context, text, expires);
    }

    /// <exception cref="ProblemException">The path can be nobody's.</exception>
    public static ResourcePath ResourceOf(ResourceTree tree, HttpContext context)
    {
        var values = context.Request.RouteValues;
        return tree.Parse($"tenant/{values["tenant"]}/instance/{values["instance"]}")
            ?? throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.");
    }

    private static ConsoleType TypeOf(JToken body)
    {
        if (body is not JObject given)
            throw Wrong("", ProblemKind.WrongType, "The body must be an object.");
        if (given.Properties().FirstOrDefault(member => member.Name != Type) is { } unknown)
            throw Wrong("/" + JsonPointer.Escape(unknown.Name), ProblemKind.UnknownField, "There is no field of this name.");
        return given[Type] switch
        {
            null => throw Wrong("/" + Type, ProblemKind.MissingField, $"{Type} is missing."),
            JValue { Value: "serial" } => ConsoleType.Serial,
            JValue { Value: "vnc" } => ConsoleType.Vnc,
            JValue { Value: string } => throw Wrong("/" + Type, ProblemKind.NotInList, $"{Type} must be serial or vnc."),
            _ => throw Wrong("/" + Type, ProblemKind.WrongType, $"{Type} must be a text."),
        };
    }

    private static ProblemException Wrong(string pointer, ProblemKind kind, string detail) => new(new Problem(kind, detail) { Pointer = pointer });

    private async Task AnswerAsync(HttpContext context, string ticket, DateTimeOffset expires)
    {
        var buffer = buffers.Get();
        try
        {
            buffer.Json.WriteStartObject();
            buffer.Json.WriteString("ticket", ticket);
            buffer.Json.WriteString("expires", expires.UtcDateTime);
            buffer.Json.WriteString("path", $"{ConsoleSocket.Path}?{ConsoleSocket.Ticket}={ticket}");
            buffer.Json.WriteEndObject();
            buffer.Json.Flush();
            await RowReader.SendAsync(context, buffer);
        }
        finally
        {
            buffers.Return(buffer);
        }
    }
}
