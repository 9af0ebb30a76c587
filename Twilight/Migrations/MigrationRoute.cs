using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Http;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Migrations;

/// <summary>The door of a destination: <c>/migration/INSTANCE/WAY</c> for whoever has the ticket of the instance.</summary>
internal sealed class MigrationRoute(Arrivals arrivals, MigrationOptions options) : IHostRoute
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(10);

    public string Name => DoorWays.Route;

    /// <inheritdoc/>
    public bool Admits(string rest, string? bearer) =>
        bearer is not null && Read(rest) is { } asked && arrivals.Knows(asked.Instance, bearer);

    public async Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping)
    {
        if (Read(rest) is not { } asked)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status404NotFound, "There is no such way.");
            return;
        }
        // Sparkle's token opens the server, and not this door.
        using var pass = arrivals.Admit(asked.Instance, HostServerIdentity.BearerOf(context.Request.Headers.Authorization) ?? "");
        if (pass is null)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status403Forbidden, "This ticket is not good for this instance.");
            return;
        }
        if (!await StreamUpgrade.IsWantedAsync(context))
            return;
        if (asked.Way == DoorWays.Definition)
        {
            await using var answer = await StreamUpgrade.AcceptAsync(context);
            await answer.WriteAsync(Encoding.UTF8.GetBytes(pass.Definition), stopping);
            return;
        }
        await JoinAsync(context, asked.Instance, asked.Way, pass.Withdrawn, stopping);
    }

    private async Task JoinAsync(HttpContext context, Guid instance, string way, CancellationToken withdrawn, CancellationToken stopping)
    {
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(withdrawn, stopping);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cut.Token, context.RequestAborted);
        limit.CancelAfter(ConnectLimit);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var path = way == DoorWays.Hypervisor ? options.HypervisorSocket : options.Seen(options.SocketOf(instance, way));
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), limit.Token);
        }
        catch (SocketException)
        {
            await HostAnswer.RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "Nobody listens there.");
            return;
        }
        await using var near = new NetworkStream(socket);
        await using var far = await StreamUpgrade.AcceptAsync(context);
        await StreamJoin.RunAsync(far, near, cut.Token);
    }

    private static (Guid Instance, string Way)? Read(string rest) =>
        rest.Split('/') is [var name, DoorWays.Definition or DoorWays.Hypervisor or DoorWays.Memory or DoorWays.Disks] parts && Guid.TryParseExact(name, "D", out var instance)
            ? (instance, parts[1])
            : null;
}
