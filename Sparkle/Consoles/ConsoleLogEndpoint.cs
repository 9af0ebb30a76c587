using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Http;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Reading;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>The log of an instance's serial console. The checks, and their order, are those of a read of the instance's row.</summary>
internal sealed class ConsoleLogEndpoint(
    ApiEndpoint api, ResourceTree tree, Authenticator authenticator, ConsoleHosts hosts, ConsoleSlots slots, ConsoleOptions options, TimeProvider time)
{
    public const string Path = ApiEndpoint.Root + "/tenant/{tenant}/instance/{instance}/console/log";

    /// <summary>What a guest writes is mostly that; whatever it is, no browser takes it for anything else.</summary>
    public const string MediaType = "text/plain; charset=utf-8";

    private const string Allow = "GET, OPTIONS";

    private static readonly string[] Parameters = ["offset", "tail"];

    public async Task HandleAsync(HttpContext context)
    {
        var snapshot = api.RequireSnapshot();
        api.TellDatabase(context);
        var caller = await authenticator.RequireCallerAsync(context.Request, snapshot);
        var resource = ConsoleEndpoint.ResourceOf(tree, context);
        ReadQuery.RefuseUnknown([.. context.Request.Query.Keys.Except(Parameters, StringComparer.Ordinal)]);
        if (ApiEndpoint.AnswerAllow(context, Allow))
            return;
        api.Require(context, caller, resource, Operation.Read);
        if (!resource.TryFind(snapshot, out var row) || row?.Desired is not InstanceDesired instance)
            throw ApiEndpoint.NoSuchRow();
        var query = string.Join('&', Parameters.Select(name => Number(context, name)).Where(text => text is not null));
        var host = hosts.RequireLog(snapshot, instance.Uuid);
        using var slot = slots.Take(resource.Tenant!);
        await PassAsync(context, host, $"/console/{instance.Uuid}/log?{query}");
    }

    private static string? Number(HttpContext context, string name)
    {
        if (!context.Request.Query.TryGetValue(name, out var given))
            return null;
        return given is [{ } text] && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? string.Create(CultureInfo.InvariantCulture, $"{name}={number}")
            : throw new ProblemException(ProblemKind.BadParameter, $"{name} must be given once, as a number of bytes.");
    }

    private async Task PassAsync(HttpContext context, HostEndpoint host, string path)
    {
        using var patience = new CancellationTokenSource(options.HostLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, context.RequestAborted);
        using var http = HostHttp.Make(host, options.HostLimit);
        using var answer = await AskAsync(http, path, either.Token, context.RequestAborted);
        patience.CancelAfter(options.LogLimit);
        var response = context.Response;
        response.ContentType = MediaType;
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            // It has not been started there: it wrote nothing.
            response.Headers[ConsoleHeaders.Offset] = response.Headers[ConsoleHeaders.End] = "0";
            response.ContentLength = 0;
            return;
        }
        if (answer.StatusCode != HttpStatusCode.OK)
            throw Refused("The host of the instance does not give out the log at the moment.");
        foreach (var name in (string[])[ConsoleHeaders.Offset, ConsoleHeaders.End])
        {
            if (answer.Headers.TryGetValues(name, out var values))
                response.Headers[name] = values.ToArray();
        }
        response.ContentLength = answer.Content.Headers.ContentLength;
        await answer.Content.CopyToAsync(response.Body, either.Token);
    }

    private async Task<HttpResponseMessage> AskAsync(HttpClient http, string path, CancellationToken either, CancellationToken aborted)
    {
        try
        {
            return await http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, either);
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            throw new ProblemException(ProblemKind.HostSilent, "The host of the instance does not answer in time.");
        }
        catch (HttpRequestException exception)
        {
            throw Refused(exception.HttpRequestError == HttpRequestError.SecureConnectionError
                ? "The host of the instance does not prove that it is the one."
                : "The connection to the host of the instance failed.");
        }
    }

    private ProblemException Refused(string why) => new(new Problem(ProblemKind.Unavailable, why) { RetryAfter = options.RetryAfter });
}
