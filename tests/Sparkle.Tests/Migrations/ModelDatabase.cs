using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>
/// A database whose transactions take a while, fail, are refused, or are committed without an answer; and what the schema does along
/// with them, as far as places and migrations are concerned.
/// </summary>
internal sealed class ModelDatabase(EntityCatalog catalog, Random random) : IDesiredStateWriter, IStateView
{
    private readonly StateStore _store = new(catalog);
    private readonly List<Pending> _pending = [];
    private readonly List<StateSnapshot> _versions = [];
    private bool _isUp = true;

    public List<IReadOnlyList<DatabaseChange>> Commits { get; } = [];

    /// <summary>How many commits the running Sparkle has seen.</summary>
    public int Seen { get; set; }

    public bool Fails { get; set; } = true;

    public StateSnapshot Newest => _store.Snapshot;

    public StateSnapshot? Snapshot => Newest;

    public DatabaseLink Database => new(_isUp, DateTimeOffset.UnixEpoch);

    public long? Epoch => 1;

    public void SetUp(bool isUp) => _isUp = isUp;

    /// <summary>The state after so many commits.</summary>
    public StateSnapshot At(int commits) => _versions[commits - 1];

    public T? Find<T>(string entity, params Guid[] key)
        where T : class => Newest[catalog[entity]].Find(RowKey.Of([.. key.Select(part => part.ToString())]))?.Desired as T;

    public Guid? KeeperOf(Guid volume) => Newest[catalog["host_volume"]].Where("volume", volume.ToString())
        .Select(row => row.Desired).OfType<HostVolumeDesired>().SingleOrDefault()?.Host;

    public Guid? PlaceOf(Guid instance) => Newest[catalog["host_instance"]].Where("instance", instance.ToString())
        .Select(row => row.Desired).OfType<HostInstanceDesired>().SingleOrDefault()?.Host;

    /// <summary>A transaction of anybody.</summary>
    public void Commit(params IEnumerable<RowChange> changes)
    {
        var rows = changes.ToList();
        foreach (var change in rows.ToList())
        {
            if (change.Entity.Name == "instance" && change.Value is null)
                rows.AddRange(Cascade(change.Key.Text));
            if (change.Entity.Name == "host" && change.Value is HostDesired { State: HostState.Gone } gone)
            {
                foreach (var entity in new[] { "host_instance", "host_volume", "host_volume_copy", "host_storage_pool" })
                    rows.AddRange(Of(entity, "host", gone.Uuid.ToString()));
            }
        }
        rows.AddRange(Left(rows).ToList());
        _store.Apply(rows);
        _versions.Add(_store.Snapshot);
        Commits.Add([.. rows.Select(row => new DatabaseChange.OfRow(row))]);
    }

    public Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        var pending = new Pending(writes);
        _pending.Add(pending);
        return pending.Answer.Task;
    }

    /// <summary>The controller dies: what it has under way is committed by then, or never.</summary>
    public void Drop()
    {
        foreach (var pending in _pending.Where(pending => pending.Version is null && random.Next(2) == 0).ToList())
            Execute(pending);
        _pending.Clear();
    }

    /// <summary>Some of what is under way happens.</summary>
    public void Step()
    {
        foreach (var pending in _pending.ToList())
        {
            if (Fails && random.Next(3) == 0)
                continue;
            if (pending.Version is { } version)
            {
                // Returns when readers see it.
                if (version > Seen)
                    continue;
                _pending.Remove(pending);
                pending.Answer.TrySetResult();
                continue;
            }
            _pending.Remove(pending);
            Execute(pending);
        }
    }

    private void Execute(Pending pending)
    {
        var dice = Fails ? random.Next(20) : 10;
        if (!_isUp || dice == 0)
        {
            pending.Answer.TrySetException(new DatabaseUnavailableException("away"));
            return;
        }
        if (dice == 1)
        {
            pending.Answer.TrySetException(new UnconfirmedCommitException("lost"));
            if (random.Next(2) == 0)
                return;
        }
        try
        {
            Commit(Check(pending.Writes));
        }
        catch (Exception e) when (e is ConcurrentChangeException or WriteRefusedException)
        {
            pending.Answer.TrySetException(e);
            return;
        }
        pending.Version = Commits.Count;
        _pending.Add(pending);
    }

    private List<RowChange> Check(IReadOnlyList<RowWrite> writes)
    {
        var changes = new List<RowChange>();
        var deleted = new HashSet<RowKey>();
        for (var i = 0; i < writes.Count; i++)
        {
            switch (writes[i])
            {
                case RowWrite.Insert(var entity, HostInstanceDesired place):
                    if (PlaceOf(place.Instance) is not null)
                        throw Refused(i);
                    CheckPlace(place, i);
                    changes.Add(RowChange.Set(entity, RowPart.Desired, place));
                    break;
                case RowWrite.Insert(var entity, HostVolumeCopyDesired copy):
                    if (!deleted.Contains(entity.KeyOf(RowPart.Desired, copy)) && Find<HostVolumeCopyDesired>("host_volume_copy", copy.Host, copy.Volume) is not null)
                        throw Refused(i);
                    CheckHost(copy.Host, i);
                    if (Find<InstanceDesired>("instance", copy.Instance) is null)
                        throw Refused(i);
                    var counted = Find<VolumeDesired>("volume", copy.Volume)!;
                    counted = counted with { Generations = counted.Generations + 1 };
                    changes.Add(RowChange.Set(catalog["volume"], RowPart.Desired, counted));
                    changes.Add(RowChange.Set(entity, RowPart.Desired, copy with { Generation = counted.Generations }));
                    break;
                case RowWrite.Insert(var entity, HostVolumeDesired kept):
                    if (KeeperOf(kept.Volume) is not null)
                        throw Refused(i);
                    CheckHost(kept.Host, i);
                    changes.Add(RowChange.Set(entity, RowPart.Desired, kept));
                    break;
                case RowWrite.Insert(var entity, TombstoneDesired tombstone):
                    CheckHost(tombstone.Host!.Value, i);
                    changes.Add(RowChange.Set(entity, RowPart.Desired, tombstone));
                    break;
                case RowWrite.Update(var entity, var key, var expected, var record):
                    if (!Equals(Newest[entity].Find(key)?.Desired, expected))
                        throw new ConcurrentChangeException(i);
                    if (record is HostInstanceDesired after && !Equals(expected, record))
                    {
                        CheckPlace(after, i);
                        changes.Add(RowChange.Remove(entity, RowPart.Desired, key));
                        changes.Add(RowChange.Set(entity, RowPart.Desired, record));
                    }
                    else if (record is HostVolumeDesired keeper && !Equals(expected, record))
                    {
                        CheckHost(keeper.Host, i);
                        changes.Add(RowChange.Remove(entity, RowPart.Desired, key));
                        changes.Add(RowChange.Set(entity, RowPart.Desired, record));
                    }
                    else if (record is VolumeDesired)
                    {
                        changes.Add(RowChange.Set(entity, RowPart.Desired, record));
                    }
                    break;
                case RowWrite.Delete(var entity, var key):
                    deleted.Add(key);
                    changes.Add(RowChange.Remove(entity, RowPart.Desired, key));
                    break;
            }
        }
        return changes;
    }

    private void CheckPlace(HostInstanceDesired place, int index)
    {
        if (Find<InstanceDesired>("instance", place.Instance) is null)
            throw Refused(index);
        CheckHost(place.Host, index);
    }

    private void CheckHost(Guid host, int index)
    {
        if (Find<HostDesired>("host", host) is not { State: not HostState.Gone })
            throw Refused(index);
    }

    /// <summary>Copies that go leave tombstones, unless they are the content by then or their host is gone.</summary>
    private IEnumerable<RowChange> Left(List<RowChange> rows)
    {
        foreach (var change in rows.Where(row => row is { Entity.Name: "host_volume_copy", Value: null }))
        {
            if (Newest[change.Entity].Find(change.Key)?.Desired is not HostVolumeCopyDesired copy
                || (rows.Select(row => row.Value).OfType<HostDesired>().LastOrDefault(row => row.Uuid == copy.Host) ?? Find<HostDesired>("host", copy.Host)) is not { State: not HostState.Gone })
                continue;
            var volume = rows.Select(row => row.Value).OfType<VolumeDesired>().LastOrDefault() ?? Find<VolumeDesired>("volume", copy.Volume)!;
            if (volume.Generation == copy.Generation && rows.Any(row => row.Value is HostVolumeDesired kept && kept.Host == copy.Host))
                continue;
            yield return RowChange.Set(catalog["tombstone"], RowPart.Desired, new TombstoneDesired
            {
                Uuid = Guid.NewGuid(),
                Target = $"volume-{copy.Volume}.{copy.Generation}",
                StoragePool = volume.StoragePool,
                Host = copy.Host,
            });
        }
    }

    private static WriteRefusedException Refused(int index) => new(Refusal.Rule, index, "some", [], "some", new InvalidOperationException());

    private IEnumerable<RowChange> Cascade(string instance) =>
        [.. Of("host_instance", "instance", instance), .. Of("migration", "instance", instance), .. Of("host_volume_copy", "instance", instance), .. Of("vdisk", "instance", instance)];

    private IEnumerable<RowChange> Of(string entity, string column, string value)
    {
        var table = catalog[entity];
        return table.KeyColumns is [var key] && key == column
            ? Newest[table].Find(RowKey.Of(value)) is { } row ? [RowChange.Remove(table, RowPart.Desired, row.Key)] : []
            : Newest[table].Where(column, value).Where(row => row.Desired is not null).Select(row => RowChange.Remove(table, RowPart.Desired, row.Key));
    }

    private sealed class Pending(IReadOnlyList<RowWrite> writes)
    {
        public IReadOnlyList<RowWrite> Writes => writes;

        public TaskCompletionSource Answer { get; } = new();

        public int? Version { get; set; }
    }
}
