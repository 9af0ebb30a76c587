using Microsoft.AspNetCore.Http;

namespace PonyCloud.Twilight.Http;

/// <summary>Answers the requests below one name, such as <c>/volume/…</c>. Rooms add theirs as services.</summary>
public interface IHostRoute
{
    /// <summary>The first segment of the paths; no other route has it.</summary>
    string Name { get; }

    /// <summary>Answers a request of whoever has shown the token. Cut off, it may throw; the connection ends then.</summary>
    /// <param name="rest">The path behind the name and its slash; empty when there is nothing behind the name.</param>
    /// <param name="stopping">Cancelled when the server stops. The peer going is <see cref="HttpContext.RequestAborted"/>.</param>
    Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping);
}
