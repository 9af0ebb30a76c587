using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Storage.Planning;

namespace PonyCloud.Twilight.Storage.Working;

/// <summary>What was reported of the host's storage, and so what has changed since.</summary>
internal sealed class StorageReport(EntityCatalog catalog)
{
    private readonly ReportedRows _pools = new(catalog["host_storage_pool"]);
    private readonly ReportedRows _volumes = new(catalog["host_volume"]);
    private readonly ReportedRows _copies = new(catalog["host_volume_copy"]);
    private readonly ReportedRows _snapshots = new(catalog["host_snapshot"]);
    private readonly ReportedRows _images = new(catalog["host_image"]);
    private readonly ReportedRows _extents = new(catalog["host_extent"]);
    private readonly ReportedRows _tombstones = new(catalog["host_tombstone"]);
    private readonly ReportedRows _orphans = new(catalog["host_orphan"]);

    internal IReadOnlyList<RowChange> Become(StoragePlan plan) =>
    [
        .. _pools.Become(plan.Pools),
        .. _volumes.Become(plan.Volumes),
        .. _copies.Become(plan.VolumeCopies),
        .. _snapshots.Become(plan.Snapshots),
        .. _images.Become(plan.Images),
        .. _extents.Become(plan.Extents),
        .. _tombstones.Become(plan.Tombstones),
        .. _orphans.Become(plan.Orphans),
    ];
}
