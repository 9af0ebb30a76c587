using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>
/// Writes into the row of a volume that somebody sends it a content. From then on nobody gets the volume before that content
/// is whole, whatever becomes of whoever sends it, of Sparkle, and of the host.
/// </summary>
internal sealed class UploadOrder(EntityCatalog catalog, IStateView view, IDesiredStateWriter database, ContentTags tags, AuditLog audit, TimeProvider time)
{
    private const string AttachedConstraint = "volume_content_attached";

    private const int AttemptsMax = 5;

    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(30);

    private readonly Entity _volumes = catalog["volume"];

    /// <summary>Returns when every reader sees the order.</summary>
    /// <returns>The call, as it stands then.</returns>
    /// <exception cref="ProblemException">An instance has the volume, or the schema refuses it otherwise.</exception>
    /// <exception cref="ConcurrentChangeException">The row was changed by somebody else.</exception>
    /// <exception cref="UnconfirmedCommitException">The outcome is not known.</exception>
    public async Task<TransferCall> GiveAsync(TransferCall call)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryAsync(call);
            }
            catch (ConcurrentChangeException) when (attempt < AttemptsMax)
            {
                // Whoever sends a new content means the volume as it is now, such as one that has just become ready.
                var snapshot = view.Snapshot!;
                if (!call.Resource.TryFind(snapshot, out var row) || row?.Desired is not VolumeDesired volume)
                    throw ApiEndpoint.NoSuchRow();
                call = call with { Snapshot = snapshot, Volume = volume };
            }
        }
    }

    private async Task<TransferCall> TryAsync(TransferCall call)
    {
        if (tags.IsAttached(call.Snapshot, call.Volume.Uuid))
            throw Attached();
        var key = RowKey.Of(call.Volume.Uuid);
        var ordered = call.Volume with
        {
            Content = VolumeContent.Upload,
            // Behind that of every copy that was ever made of it on another host.
            Generation = Math.Max(call.Volume.Generation, call.Volume.Generations) + 1,
            BaseImage = null,
            BaseVolume = null,
            Revert = null,
        };
        RowWrite[] writes = [new RowWrite.Update(_volumes, key, call.Volume, ordered)];
        await WriteAsync(call, writes);
        audit.Changed(call.Context, call.Caller, writes, isKnown: true);
        var snapshot = view.Snapshot!;
        if (!call.Resource.TryFind(snapshot, out var row) || row?.Desired is not VolumeDesired volume)
            throw ApiEndpoint.NoSuchRow();
        return volume.Generation == ordered.Generation
            ? call with { Snapshot = snapshot, Volume = volume }
            : throw new ProblemException(ProblemKind.ContentWithdrawn, "The volume is ordered to have another content.");
    }

    private async Task WriteAsync(TransferCall call, RowWrite[] writes)
    {
        // Not cut short when the client goes: what was sent may stand.
        using var limit = new CancellationTokenSource(WriteLimit, time);
        try
        {
            await database.WriteAsync(writes, limit.Token);
        }
        catch (WriteRefusedException refusal)
        {
            throw refusal.Constraint == AttachedConstraint
                ? Attached()
                : new ProblemException(new Problem(ProblemKind.RefusedByRule, refusal.Message) { Constraint = refusal.Constraint });
        }
        catch (UnconfirmedCommitException)
        {
            audit.Changed(call.Context, call.Caller, writes, isKnown: false);
            throw;
        }
        catch (OperationCanceledException cancelled) when (limit.IsCancellationRequested)
        {
            audit.Changed(call.Context, call.Caller, writes, isKnown: false);
            throw new UnconfirmedCommitException("The database did not answer in time.", cancelled);
        }
    }

    private static ProblemException Attached() =>
        new(ProblemKind.InUse, "An instance has the volume. Detach it before another content is sent.");
}
