using System.Net.WebSockets;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>Why a stream ends, for both kinds of streams.</summary>
/// <param name="Status">How a WebSocket is closed; the reason beside it is the name of the kind, a colon and the detail.</param>
internal sealed record WatchEnd(ProblemKind Kind, string Detail, WebSocketCloseStatus Status)
{
    private static readonly WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;

    // Of the range for applications, named after 410 Gone: nothing is wrong but what the client knows.
    private static readonly WebSocketCloseStatus ReadAgain = (WebSocketCloseStatus)4410;

    public static readonly WatchEnd TooOld = new(ProblemKind.TooOld, "The changes since then are not known any more. Read again.", ReadAgain);

    public static readonly WatchEnd AccessChanged = new(
        ProblemKind.AccessChanged, "What the token may read has changed. Read again.", ReadAgain);

    public static readonly WatchEnd TokenEnded = new(
        ProblemKind.Unauthenticated, "The token is not valid any more.", WebSocketCloseStatus.PolicyViolation);

    public static readonly WatchEnd SlowReader = new(
        ProblemKind.SlowReader, "Changes came faster than they were read.", TryAgainLater);

    /// <summary>The controller itself could not follow.</summary>
    public static readonly WatchEnd Overrun = new(ProblemKind.TooOld, "Too much changed at once to pass it on. Read again.", ReadAgain);

    public static readonly WatchEnd Stopping = new(
        ProblemKind.Unavailable, "The controller is stopping.", WebSocketCloseStatus.EndpointUnavailable);

    public static readonly WatchEnd Spoke = new(
        ProblemKind.MalformedRequest, "A client of this stream only listens.", WebSocketCloseStatus.PolicyViolation);

    /// <summary>The client closed the stream, or is not there any more.</summary>
    public static readonly WatchEnd Left = new(ProblemKind.Unavailable, "", WebSocketCloseStatus.NormalClosure);

    /// <summary>Every way in which a stream ends.</summary>
    public static readonly IReadOnlyList<WatchEnd> All = [TooOld, AccessChanged, TokenEnded, SlowReader, Overrun, Stopping, Spoke, Left];

    /// <summary>What it is counted under.</summary>
    public string Reason => this == Left ? "left" : this == Stopping ? "stopping" : Kind.Name;

    /// <summary>The close frame has room for 123 bytes.</summary>
    public string CloseReason => this == Left ? "" : $"{Kind.Name}: {Detail}";
}
