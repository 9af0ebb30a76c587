using System.Globalization;
using System.Net;
using PonyCloud.Pony.Http;

namespace PonyCloud.Pony.Contents;

/// <summary>A transfer ended before it was whole, and another attempt may mend it.</summary>
/// <param name="code">What the command ends with when no attempt does.</param>
/// <param name="retryAfter">Not sooner: the server asked for it.</param>
internal sealed class CutException(int code, string message, TimeSpan? retryAfter = null, Exception? cause = null)
    : Exception(message, cause)
{
    public int Code { get; } = code;

    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether whatever failed may be better a moment later.</summary>
    public static bool MayPass(PonyException exception) => exception.Code is ExitCode.Unavailable or ExitCode.TimedOut;

    public static CutException Of(PonyException exception) => new(exception.Code, exception.Message, null, exception);

    public static CutException Silent(Exception cause) => new(ExitCode.TimedOut, "The server has been silent for too long.", null, cause);

    /// <summary>What an answer that is no success says: a cut, or that another attempt promises nothing.</summary>
    public static async Task<Exception> OfAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var status = (int)answer.StatusCode;
        var problem = Problem.Read(status, await answer.Content.ReadAsByteArrayAsync(cancellation));
        if (answer.StatusCode == HttpStatusCode.TooManyRequests || status >= 500)
            return new CutException(ExitCode.Of(status), problem.Describe(), answer.Headers.RetryAfter?.Delta);
        return answer.StatusCode == HttpStatusCode.Conflict && OffsetIn(answer) is not null
            ? new CutException(ExitCode.Conflict, problem.Describe())
            : new ProblemException(problem);
    }

    /// <summary>How much the server has; null when it does not say.</summary>
    public static long? OffsetIn(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Upload-Offset", out var values)
        && long.TryParse(values.First(), NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
            ? offset
            : null;
}
