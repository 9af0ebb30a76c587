using System.Net;

namespace PonyCloud.Shared.Http;

/// <summary>Why there is no stream to a host.</summary>
public enum HostStreamFailure
{
    /// <summary>The host cannot be reached, or the connection broke.</summary>
    Unreachable,

    /// <summary>Who answers does not have the host's certificate.</summary>
    Impostor,

    /// <summary>It does not answer in time.</summary>
    Silent,

    /// <summary>It said no; <see cref="HostStreamException.Status"/> says which.</summary>
    Refused,
}

/// <summary>There is no stream to a host.</summary>
public sealed class HostStreamException : Exception
{
    private HostStreamException(HostStreamFailure failure, string message, Exception? cause = null)
        : base(message, cause) => Failure = failure;

    public HostStreamFailure Failure { get; }

    /// <summary>What the host answered when it refused: 401 for a token that it does not know any more, 404 for what it has not.</summary>
    public HttpStatusCode? Status { get; private init; }

    public static HostStreamException Refused(HttpStatusCode status) =>
        new(HostStreamFailure.Refused, $"The host answered {(int)status}.") { Status = status };

    public static HostStreamException Silent(Exception cause) =>
        new(HostStreamFailure.Silent, "The host does not answer in time.", cause);

    public static HostStreamException Failed(Exception cause) =>
        cause is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
            ? new(HostStreamFailure.Impostor, "Who answers does not prove to be the host.", cause)
            : new(HostStreamFailure.Unreachable, "The connection to the host failed.", cause);
}
