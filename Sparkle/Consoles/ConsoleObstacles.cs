using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>What stands in the way of a console that is open: whoever looks may no longer, or the instance goes.</summary>
internal sealed class ConsoleObstacles(TokenService tokens)
{
    /// <returns>Null when it may go on.</returns>
    public async ValueTask<Problem?> FindAsync(ConsoleTicket ticket, StateSnapshot snapshot)
    {
        if (await tokens.FindCallerAsync(ticket.Token, snapshot) is not { } caller)
            return Authenticator.Unauthenticated("The token is not valid any more.", Authenticator.BearerChallenge).Problem;
        var decision = AccessPolicy.Decide(caller, ticket.Resource, Operation.Change);
        if (decision.Verdict == Verdict.Forbidden)
            return new Problem(ProblemKind.Forbidden, decision.Why);
        return decision.Verdict == Verdict.NotFound || !ticket.Resource.TryFind(snapshot, out var row) || row?.Desired is not InstanceDesired
            ? ApiEndpoint.NoSuchRow().Problem
            : null;
    }
}
