using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>The content of a volume. The checks, and their order, are those of the volume's row.</summary>
internal sealed class ContentEndpoint(ApiEndpoint api, ResourceTree tree, Authenticator authenticator, Download download, Upload upload)
{
    public const string Path = ApiEndpoint.Root + "/tenant/{tenant}/volume/{volume}/content";

    private const string Allow = "GET, HEAD, OPTIONS, PUT";

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        var link = api.TellDatabase(context);
        var token = Authenticator.RequireToken(context.Request);
        var caller = await authenticator.RequireCallerAsync(context.Request, token, snapshot);
        var values = context.Request.RouteValues;
        var resource = tree.Parse($"tenant/{values["tenant"]}/volume/{values["volume"]}")
            ?? throw new ProblemException(ProblemKind.NotFound, "There is nothing at this path.");
        if (context.Request.QueryString.HasValue)
            ReadQuery.RefuseUnknown([.. context.Request.Query.Keys]);
        if (ApiEndpoint.AnswerAllow(context, Allow))
            return;
        var operation = HttpMethods.IsPut(context.Request.Method) ? Operation.Change : Operation.Read;
        api.Require(context, caller, resource, operation);
        if (!resource.TryFind(snapshot, out var row) || row?.Desired is not VolumeDesired volume)
            throw ApiEndpoint.NoSuchRow();
        if (volume.State == VolumeState.Deleted)
            throw new ProblemException(ProblemKind.ContentWithdrawn, "The volume is ordered to be deleted.");
        var call = new TransferCall(context, caller, token, resource, operation, snapshot, volume);
        if (operation == Operation.Read)
            await download.AnswerAsync(call);
        else if (link.IsUp)
            await upload.AnswerAsync(call);
        else
            throw ApiEndpoint.DatabaseDown();
    }
}
