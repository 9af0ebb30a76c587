using Microsoft.AspNetCore.Http;

namespace PonyCloud.Twilight.Http;

/// <summary>Answers the requests below one name, such as <c>/volume/…</c>. Rooms add theirs as services.</summary>
public interface IHostRoute
{
    /// <summary>The first segment of the paths; no other route has it.</summary>
    string Name { get; }

    /// <summary>Whether somebody without the server's token, but with this one, may ask for this; a route that gives out its own says so.</summary>
    /// <param name="rest">The path behind the name and its slash.</param>
    /// <param name="bearer">The token that was shown; null for none.</param>
    bool Admits(string rest, string? bearer) => false;

    /// <summary>Answers a request of whoever has shown the token, or was admitted by the route. Cut off, it may throw; the connection ends then.</summary>
    /// <param name="rest">The path behind the name and its slash; empty when there is nothing behind the name.</param>
    /// <param name="stopping">Cancelled when the server stops. The peer going is <see cref="HttpContext.RequestAborted"/>.</param>
    Task AnswerAsync(HttpContext context, string rest, CancellationToken stopping);
}
