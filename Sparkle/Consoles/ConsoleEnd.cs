using System.Net.WebSockets;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>How a console is closed.</summary>
/// <param name="Reason">The name of a kind of problem, a colon, and words; empty when there is nothing to say.</param>
internal sealed record ConsoleEnd(WebSocketCloseStatus Status, string Reason)
{
    // Of the range for applications, named after 410 Gone.
    private static readonly WebSocketCloseStatus Gone = (WebSocketCloseStatus)4410;

    /// <summary>The client closed it, or is not there any more.</summary>
    public static readonly ConsoleEnd Left = new(WebSocketCloseStatus.NormalClosure, "");

    public static readonly ConsoleEnd Off = new(
        WebSocketCloseStatus.EndpointUnavailable, $"{ProblemKind.InstanceOff.Name}: The instance is off, or moves. Ask again.");

    public static readonly ConsoleEnd Stopping = new(
        WebSocketCloseStatus.EndpointUnavailable, $"{ProblemKind.Unavailable.Name}: The controller is stopping.");

    public static readonly ConsoleEnd TokenEnded = new(
        WebSocketCloseStatus.PolicyViolation, $"{ProblemKind.Unauthenticated.Name}: The token is not valid any more.");

    /// <summary>Something came in the way.</summary>
    public static ConsoleEnd Of(Problem problem) => new(
        problem.Kind == ProblemKind.NotFound ? Gone : WebSocketCloseStatus.PolicyViolation, $"{problem.Kind.Name}: {problem.Detail}");
}
