using Microsoft.AspNetCore.Http;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>A request for the content of a volume that the caller may make.</summary>
/// <param name="Token">With which the caller came; what it is worth is asked again while the transfer goes on.</param>
/// <param name="Volume">The row as the snapshot has it.</param>
internal sealed record TransferCall(
    HttpContext Context, Caller Caller, string Token, ResourcePath Resource, Operation Operation, StateSnapshot Snapshot, VolumeDesired Volume)
{
    public const long MiB = 1024 * 1024;

    public string Tenant => Resource.Tenant!;

    /// <summary>What the volume has, in bytes.</summary>
    public long Length => Volume.Size * MiB;
}
