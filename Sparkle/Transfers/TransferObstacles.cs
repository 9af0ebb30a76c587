using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>What stands in the way of a transfer that was begun: whoever makes it may no longer, or nobody wants it any more.</summary>
internal sealed class TransferObstacles(TokenService tokens, KeeperFinder keepers)
{
    /// <returns>Null when it may go on.</returns>
    public async ValueTask<Problem?> FindAsync(TransferCall call, Keeper keeper, StateSnapshot snapshot)
    {
        if (await tokens.FindCallerAsync(call.Token, snapshot) is not { } caller)
            return Authenticator.Unauthenticated("The token is not valid any more.", Authenticator.BearerChallenge).Problem;
        var decision = AccessPolicy.Decide(caller, call.Resource, call.Operation);
        if (decision.Verdict == Verdict.Forbidden)
            return new Problem(ProblemKind.Forbidden, decision.Why);
        if (decision.Verdict == Verdict.NotFound || !call.Resource.TryFind(snapshot, out var row) || row?.Desired is not VolumeDesired volume)
            return ApiEndpoint.NoSuchRow().Problem;
        if (volume.State == VolumeState.Deleted)
            return new Problem(ProblemKind.ContentWithdrawn, "The volume is ordered to be deleted.");
        if (volume.Generation != call.Volume.Generation)
            return new Problem(ProblemKind.ContentWithdrawn, "The volume is ordered to have another content.");
        return keepers.HostOf(snapshot, volume.Uuid) == keeper.Host
            ? null
            : new Problem(ProblemKind.ContentWithdrawn, "The host does not keep the volume any more.");
    }
}
