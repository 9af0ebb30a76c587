using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.TestKit.Control;

/// <summary>
/// A database and the memory that follows it in one: writes are checked as the schema would, at least for keys, unique
/// columns and references, and are visible when <see cref="WriteAsync(IReadOnlyList{RowWrite}, CancellationToken)"/> returns.
/// </summary>
public sealed class MemoryDatabase : IDesiredStateWriter, IRequestLedger, IStateView, IOrderOverlay
{
    // Named as in the schema, from which follows which column is to blame.
    private static readonly (string Entity, string[] Columns, string Constraint)[] UniqueColumns =
    [
        ("host", ["agent_key"], "host_agent_key_unique"),
        ("host_volume", ["volume"], "host_volume_volume_key"),
        ("image_copy", ["image", "storage_pool", "host"], "image_copy_unique"),
        ("instance", ["tenant", "name"], "instance_name_unique"),
        ("member", ["user", "tenant"], "member_user_unique"),
        ("tenant", ["name"], "tenant_name_unique"),
    ];

    private readonly Lock _lock = new();
    private readonly StateStore _store;
    private readonly Queue<Exception> _failures = new();
    private readonly Queue<Action> _interruptions = new();
    private readonly Dictionary<(string Owner, string Key), KeptAnswer> _kept = [];

    public MemoryDatabase(EntityCatalog catalog) => _store = new StateStore(catalog);

    public EntityCatalog Catalog => _store.Catalog;

    /// <summary>Whether the database was loaded; until then there is no state.</summary>
    public bool IsLoaded { get; set; } = true;

    public DatabaseLink Database { get; set; } = new(true, DateTimeOffset.UnixEpoch);

    /// <summary>Null: another controller has taken over.</summary>
    public long? ActiveEpoch { get; set; } = 1;

    public long? Epoch => IsLoaded ? ActiveEpoch : null;

    public StateSnapshot? Snapshot => IsLoaded ? _store.Snapshot : null;

    /// <summary>Told of every change as soon as readers see it, in order.</summary>
    public Action<ChangeSet>? Settled { get; set; }

    /// <summary>How many transactions were committed.</summary>
    public int Commits { get; private set; }

    /// <summary>Lets the next write fail.</summary>
    public void FailNext(Exception exception) => _failures.Enqueue(exception);

    /// <summary>Does something after the next write was planned and before it is carried out.</summary>
    public void Interrupt(Action action) => _interruptions.Enqueue(action);

    /// <summary>Puts desired rows there, past all checks.</summary>
    public void Put(params object[] records) =>
        Apply(records.Select(record => RowChange.Set(EntityOf(record, RowPart.Desired), RowPart.Desired, record)));

    /// <summary>Removes a desired row, past all checks.</summary>
    public void Remove(string entity, RowKey key) => Apply([RowChange.Remove(Catalog[entity], RowPart.Desired, key)]);

    /// <summary>Puts current parts there.</summary>
    public void Report(params object[] records) =>
        Apply(records.Select(record => RowChange.Set(EntityOf(record, RowPart.Current), RowPart.Current, record)));

    public Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation)
    {
        lock (_lock)
            return Task.FromResult(_kept.GetValueOrDefault((key.Owner, key.Key)));
    }

    public async Task<KeptAnswer?> WriteAsync(
        IReadOnlyList<RowWrite> writes, RequestKey key, string answer, CancellationToken cancellation)
    {
        if (await FindAsync(key, cancellation) is { } kept)
            return kept;
        await WriteAsync(writes, cancellation);
        lock (_lock)
            _kept.Add((key.Owner, key.Key), new KeptAnswer(key.Fingerprint, answer));
        return null;
    }

    public Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation)
    {
        if (_interruptions.TryDequeue(out var interruption))
            interruption();
        lock (_lock)
        {
            if (_failures.TryDequeue(out var failure))
                throw failure;
            if (!Database.IsUp)
                throw new DatabaseUnavailableException("The database is away.");
            // Applied to a copy first: only a whole transaction becomes visible.
            var trial = new StateStore(Catalog);
            trial.Apply(_store.Snapshot.Tables.SelectMany(table => table.Rows.Where(row => row.Desired is not null)
                .Select(row => new RowChange(table.Entity, row.Key, RowPart.Desired, row.Desired))));
            var changes = new List<RowChange>();
            var unique = new UniqueValues();
            for (var i = 0; i < writes.Count; i++)
            {
                foreach (var change in Numbered(trial.Snapshot, Check(trial.Snapshot, unique, writes[i], i)))
                {
                    unique.Note(trial.Snapshot, change);
                    trial.Apply([change]);
                    changes.Add(change);
                }
            }
            CheckDeletes(trial.Snapshot, writes);
            Settle(changes);
            Commits++;
        }
        return Task.CompletedTask;
    }

    Task IOrderOverlay.PutAsync(IReadOnlyList<LetGoOrder> orders, CancellationToken cancellation)
    {
        Put([.. orders.Select(order => order.Record)]);
        return Task.CompletedTask;
    }

    Task IOrderOverlay.WithdrawAsync(LetGoOrder order, object row, CancellationToken cancellation)
    {
        Put(row);
        return Task.CompletedTask;
    }

    // What was put stays: it is the memory that this stands for.
    Task IOrderOverlay.SettleAsync(LetGoOrder order, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>What the schema's triggers write: contents of a volume are counted, and a copy of one is given the next number.</summary>
    private IEnumerable<RowChange> Numbered(StateSnapshot state, RowChange change)
    {
        var volumes = Catalog["volume"];
        if (change.Value is VolumeDesired volume)
        {
            var before = (state[volumes].Find(volume.Uuid)?.Desired as VolumeDesired)?.Generations ?? 0;
            change = change with { Value = volume with { Generations = Math.Max(before, Math.Max(volume.Generation, volume.Generations)) } };
        }
        else if (change.Value is HostVolumeCopyDesired copy && state[change.Entity].Find(change.Key)?.Desired is null
            && state[volumes].Find(copy.Volume)?.Desired is VolumeDesired copied)
        {
            copied = copied with { Generations = Math.Max(copied.Generation, copied.Generations) + 1 };
            yield return RowChange.Set(volumes, RowPart.Desired, copied);
            change = change with { Value = copy with { Generation = copied.Generations } };
        }
        yield return change;
    }

    private static RowChange Check(StateSnapshot state, UniqueValues unique, RowWrite write, int index)
    {
        switch (write)
        {
            case RowWrite.Insert(var entity, var record):
                var made = entity.KeyOf(RowPart.Desired, record);
                if (state[entity].Find(made)?.Desired is not null)
                    throw Refused(Refusal.Duplicate, index, $"{entity.Name}_pkey", entity.KeyColumns);
                CheckRow(state, unique, entity, made, record, index);
                return RowChange.Set(entity, RowPart.Desired, record);
            case RowWrite.Update(var entity, var key, var expected, var record):
                if (!Equals(state[entity].Find(key)?.Desired, expected))
                    throw new ConcurrentChangeException(index);
                CheckRow(state, unique, entity, key, record, index);
                return RowChange.Set(entity, RowPart.Desired, record);
            case RowWrite.Delete(var entity, var key):
                return RowChange.Remove(entity, RowPart.Desired, key);
            default:
                throw new ArgumentOutOfRangeException(nameof(write));
        }
    }

    private static void CheckRow(StateSnapshot state, UniqueValues unique, Entity entity, RowKey key, object record, int index)
    {
        foreach (var column in entity.Desired!.Columns)
        {
            if (column.References is not { } name || column.IndexText(record) is not { } value)
                continue;
            var target = state.Tables.Single(table => table.Entity.Name == name);
            if (target.Find(RowKey.Of(value))?.Desired is null)
                throw Refused(Refusal.MissingReference, index, $"{entity.Name}_{column.Name}_fkey", [column.Name]);
        }
        foreach (var (_, columns, constraint) in UniqueColumns.Where(unique => unique.Entity == entity.Name))
        {
            if (unique.OwnerOf(state, entity, columns, record) is { } owner && owner != key)
                throw Refused(Refusal.Duplicate, index, constraint, columns);
        }
    }

    private static void CheckDeletes(StateSnapshot state, IReadOnlyList<RowWrite> writes)
    {
        for (var i = 0; i < writes.Count; i++)
        {
            if (writes[i] is not RowWrite.Delete(var entity, var key))
                continue;
            foreach (var table in state.Tables)
            {
                foreach (var column in table.Entity.Desired?.Columns.Where(column => column.References == entity.Name) ?? [])
                {
                    if (table.Rows.Any(row => row.Desired is { } other && column.IndexText(other) == key.Text))
                        throw Refused(Refusal.StillReferenced, i, $"{table.Entity.Name}_{column.Name}_fkey", [column.Name]);
                }
            }
        }
    }

    private static WriteRefusedException Refused(Refusal refusal, int index, string constraint, IReadOnlyList<string> columns) =>
        new(refusal, index, constraint, columns, "What the schema says.", new InvalidOperationException("secret text of the driver"));

    private void Apply(IEnumerable<RowChange> changes)
    {
        lock (_lock)
            Settle(changes);
    }

    private void Settle(IEnumerable<RowChange> changes)
    {
        var set = _store.Apply(changes);
        if (!set.IsEmpty)
            Settled?.Invoke(set);
    }

    /// <summary>Whose values are taken, in one transaction: looked up, since a transaction may have thousands of rows.</summary>
    private sealed class UniqueValues
    {
        private readonly Dictionary<string[], Dictionary<string, RowKey>> _owners = [];

        public RowKey? OwnerOf(StateSnapshot state, Entity entity, string[] columns, object record)
        {
            if (!_owners.TryGetValue(columns, out var owners))
            {
                owners = [];
                foreach (var row in state[entity].Rows)
                {
                    if (row.Desired is { } other && TextOf(entity, columns, other) is { } taken)
                        owners[taken] = row.Key;
                }
                _owners.Add(columns, owners);
            }
            return TextOf(entity, columns, record) is { } text && owners.TryGetValue(text, out var owner) ? owner : null;
        }

        /// <param name="state">From before the change.</param>
        public void Note(StateSnapshot state, RowChange change)
        {
            foreach (var (name, columns, _) in UniqueColumns)
            {
                if (name != change.Entity.Name || !_owners.TryGetValue(columns, out var owners))
                    continue;
                if (state[change.Entity].Find(change.Key)?.Desired is { } before && TextOf(change.Entity, columns, before) is { } left)
                    owners.Remove(left);
                if (change.Value is { } after && TextOf(change.Entity, columns, after) is { } taken)
                    owners[taken] = change.Key;
            }
        }

        private static string? TextOf(Entity entity, string[] columns, object record)
        {
            var texts = columns.Select(column => entity.Desired!.Column(column)!.IndexText(record)).ToList();
            return texts.Contains(null) ? null : string.Join('\0', texts);
        }
    }

    private Entity EntityOf(object record, RowPart part) => Catalog.All.Single(entity => entity.Part(part)?.Type == record.GetType());
}
