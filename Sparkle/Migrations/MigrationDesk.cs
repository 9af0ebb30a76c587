using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Networks;
using PonyCloud.Sparkle.Placement.Extents;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>
/// Tells hosts what follows from <see cref="MoveRules"/>, shows what becomes of orders, and writes the changes of places and the copies of
/// volumes. Owned by the control loop; only the writing happens outside of it.
/// </summary>
/// <remarks>
/// <code>
/// idle ──something is to be written──► writing ──written, or refused──► idle: looked at anew
///                               │   ▲
///          it is not known how it ended, and hosts are told nothing else: the same is written again
/// </code>
/// Memory holds pauses, what is being written, and what a source said before it was given up; what is told is made from the rows.
/// </remarks>
internal sealed partial class MigrationDesk(
    EntityCatalog catalog, MigrationRows rows, NetworkRows networks, IDesiredStateWriter writer, IControlQueue queue, IStateView view,
    Func<Guid> makeUuid, ILogger<MigrationDesk> logger) : IControlFeature
{
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);
    private static readonly Backoff Pause = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));
    private static readonly Backoff WritePause = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    // From which follows whether a host can take an instance, besides the places.
    private readonly HashSet<Entity> _conditions =
    [
        .. new[]
        {
            "bond", "config", "host", "host_cpu_profile", "host_storage_pool", "host_volume", "net_role", "snapshot", "storage_pool", "vdisk", "vnic", "volume",
        }.Select(name => catalog[name]),
    ];

    private readonly OwnVolumes _volumes = new(catalog);
    private readonly HashSet<Guid> _open = [];
    private readonly HashSet<Guid> _deleted = [];
    private readonly HashSet<Guid> _again = [];
    private readonly Dictionary<Guid, Handover> _wanted = [];
    private readonly Dictionary<Guid, Handover> _writing = [];
    private readonly Dictionary<Guid, Handover> _unknown = [];
    private readonly Dictionary<Guid, (Guid Turn, string? Why)> _failed = [];
    private readonly Dictionary<Guid, Guid> _leftFor = [];
    private readonly Dictionary<Guid, Guid> _checked = [];
    private readonly Setbacks _attempts = new(Pause);
    private readonly Setbacks _writes = new(WritePause);
    private StateSnapshot? _state;
    private bool _wasUp;
    private TimeSpan _now;

    public IEnumerable<RowChange> Derive(ChangeSet changes)
    {
        _state = changes.After;
        return LookAt(changes.After, Concerned(changes));
    }

    public void Settled(ChangeSet changes)
    {
        _state = changes.After;
        Write();
    }

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        var isPauseOver = _attempts.HasEnded(_now, now) || _writes.HasEnded(_now, now);
        _now = now;
        if (_state is not { } state)
            return [];
        if (isPauseOver || view.Database.IsUp != _wasUp)
            _again.UnionWith(_open);
        _wasUp = view.Database.IsUp;
        Write();
        Guid[] again = [.. _again];
        _again.Clear();
        return LookAt(state, again);
    }

    private HashSet<Guid> Concerned(ChangeSet changes)
    {
        var concerned = new HashSet<Guid>(_again);
        _again.Clear();
        var isAll = false;
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Order)
            {
                concerned.Add(Guid.Parse(transition.Key.Text));
                if (transition.Changed(RowPart.Desired))
                    Forget(Guid.Parse(transition.Key.Text));
            }
            else if (transition.Entity == rows.Part || transition.Entity == rows.HostInstance)
            {
                var instance = Guid.Parse(transition.Key.Parts[1]);
                if (transition.Entity == rows.Part || _open.Contains(instance))
                    concerned.Add(instance);
                isAll |= transition.Entity == rows.HostInstance && transition.Changed(RowPart.Desired);
            }
            else if (transition.Entity == rows.Copy)
            {
                if ((transition.After?.Desired ?? transition.Before?.Desired) is HostVolumeCopyDesired copy)
                    concerned.Add(copy.Instance);
            }
            else if (transition.Entity == rows.Instance)
            {
                if (transition.Changed(RowPart.Desired))
                    Changed(transition, changes.IsReload, concerned);
            }
            else
            {
                isAll |= _conditions.Contains(transition.Entity);
            }
        }
        if (isAll)
            concerned.UnionWith(_open);
        return concerned;
    }

    private void Changed(RowTransition transition, bool isReload, HashSet<Guid> concerned)
    {
        var instance = Guid.Parse(transition.Key.Text);
        if (transition.After?.Desired is not null)
            _deleted.Remove(instance);
        else if (!isReload && _open.Contains(instance))
            _deleted.Add(instance);
        if (_open.Contains(instance))
            concerned.Add(instance);
    }

    /// <summary>A new order is tried at once.</summary>
    private void Forget(Guid instance)
    {
        _attempts.Remove(instance);
        _failed.Remove(instance);
    }

    private List<RowChange> LookAt(StateSnapshot state, IEnumerable<Guid> instances)
    {
        var destinations = new Destinations(catalog, networks, state);
        var changes = new List<RowChange>();
        foreach (var instance in instances)
            changes.AddRange(LookAt(state, instance, destinations));
        return changes;
    }

    private IEnumerable<RowChange> LookAt(StateSnapshot state, Guid instance, Destinations destinations)
    {
        _wanted.Remove(instance);
        if (!rows.IsOpen(state, instance))
        {
            _open.Remove(instance);
            _deleted.Remove(instance);
            _leftFor.Remove(instance);
            _checked.Remove(instance);
            yield break;
        }
        _open.Add(instance);
        var at = SituationOf(state, instance, destinations);
        var decision = MoveRules.Decide(at);
        if (decision.Handover is { } handover)
            _wanted[instance] = handover;
        var told = decision.Told.ToDictionary(telling => telling.Host);
        foreach (var host in at.Hosts)
        {
            var row = told.GetValueOrDefault(host.Host)?.ToRow(instance, host.HasPlace, host.Told, makeUuid);
            if (!Equals(row, host.Told))
                yield return new RowChange(rows.Part, RowKey.Of(host.Host.ToString(), instance.ToString()), RowPart.Desired, row);
        }
        var key = RowKey.Of(instance);
        if (!Equals(state[rows.Order].Find(key)?.Current, decision.Shown))
            yield return new RowChange(rows.Order, key, RowPart.Current, decision.Shown);
    }

    private MoveSituation SituationOf(StateSnapshot state, Guid instance, Destinations destinations)
    {
        var wanted = rows.InstanceOf(state, instance);
        var order = rows.OrderOf(state, instance);
        var place = rows.PlaceOf(state, instance);
        var words = rows.WordsOf(state, instance);
        if (words.FirstOrDefault(word => word.Host == place) is { Role: MigrationRole.Send, Status: HostMigrationStatus.Broken, IsOfThisTurn: true } failed)
            Failed(instance, failed);
        Note(instance, words.FirstOrDefault(word => word.Host == place));
        var source = words.FirstOrDefault(word => word.Host == place && word.IsOn)?.Host;
        var isExpected = words.Any(word => word.Host == order?.DestinationHost && word.Role == MigrationRole.Receive);
        var volumes = _volumes.Of(state, instance);
        var underWay = UnderWay(instance, place);
        return new MoveSituation
        {
            Instance = instance,
            Wanted = wanted,
            IsDeleted = _deleted.Contains(instance),
            Place = place,
            Order = order,
            Hosts = words,
            Volumes = volumes,
            CheckedIn = _checked.TryGetValue(instance, out var turn) ? turn : null,
            LeftFor = _leftFor.TryGetValue(instance, out var host) ? host : null,
            Obstacle = order is null || wanted is null ? null : destinations.ObstacleOf(wanted, volumes, place, order.DestinationHost, source, isExpected),
            IsPaused = _attempts.IsPaused(instance, _now),
            Failure = _failed.GetValueOrDefault(instance).Why,
            IsHandingOver = underWay is not null,
            IsStaying = underWay is { IsStaying: true },
            IsDatabaseUp = view.Database.IsUp,
        };
    }

    /// <summary>
    /// What is said at the place counts, until there is no place. Only who was told to keep it may have it again after having left.
    /// </summary>
    private void Note(Guid instance, HostWord? source)
    {
        if (source is { Status: HostMigrationStatus.Left, Said.PeerHost: { } peer, Role: not MigrationRole.Keep })
            _leftFor[instance] = peer;
        else if (source is not null)
            _leftFor.Remove(instance);
    }

    /// <summary>One turn is one attempt, however often it is looked at.</summary>
    private void Failed(Guid instance, HostWord source)
    {
        if (_failed.GetValueOrDefault(instance).Turn == source.Told!.Turn)
            return;
        _failed[instance] = (source.Told.Turn, source.Said!.Why);
        _attempts.Add(instance, _now);
    }

    /// <summary>A place that is seen to be another one was changed, by whomever, and nothing is unknown any more.</summary>
    private Handover? UnderWay(Guid instance, Guid? place)
    {
        if (_unknown.TryGetValue(instance, out var unknown) && unknown.From != place)
            _unknown.Remove(instance);
        return _unknown.GetValueOrDefault(instance) ?? (_writing.TryGetValue(instance, out var writing) && writing.From == place ? writing : null);
    }

    private void Write()
    {
        if (!view.Database.IsUp)
            return;
        foreach (var (instance, handover) in _unknown.Concat(_wanted).ToList())
        {
            if (!_writes.IsPaused(instance, _now) && _writing.TryAdd(instance, handover))
                _ = WriteAsync(handover);
        }
    }

    private async Task WriteAsync(Handover handover)
    {
        Exception? failure = null;
        try
        {
            using var timeout = new CancellationTokenSource(WriteTimeout);
            await writer.WriteAsync(HandoverWrites.Of(rows, handover, makeUuid), timeout.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }
        queue.Post(() => Written(handover, failure));
    }

    private void Written(Handover handover, Exception? failure)
    {
        _writing.Remove(handover.Instance);
        _wanted.Remove(handover.Instance);
        _unknown.Remove(handover.Instance);
        _again.Add(handover.Instance);
        if (failure is null)
        {
            _writes.Remove(handover.Instance);
            if (handover is { Order: null, From: { } from } && from == handover.To)
                Checked(handover.Instance, from);
            else if (handover.Made.Count > 0)
                LogCopied(handover.Instance, handover.Made.Count, handover.Made[0].Host);
            else
                LogHandedOver(handover.Instance, handover.To);
            return;
        }
        // Somebody withdrew the order, or deleted the instance or the host, or the database is away: then nothing was written, and it is
        // looked at anew. Everything else may have been written, and then nobody is told anything before that is known.
        if (failure is not (WriteRefusedException or ConcurrentChangeException or DatabaseUnavailableException))
            _unknown[handover.Instance] = handover;
        _writes.Add(handover.Instance, _now);
        LogNotHandedOver(handover.Instance, handover.To, failure);
    }

    /// <summary>No transaction can be under way any more that changes the place of an instance that left in this turn.</summary>
    private void Checked(Guid instance, Guid place)
    {
        if (rows.WordsOf(_state!, instance).FirstOrDefault(word => word.Host == place) is { HasLeft: true, Told.Turn: var turn })
            _checked[instance] = turn;
    }

    [LoggerMessage(1501, LogLevel.Information, "The place of instance {Instance} is host {Host} now.")]
    private partial void LogHandedOver(Guid instance, Guid host);

    [LoggerMessage(1503, LogLevel.Information, "{Count} volumes of instance {Instance} are to be copied to host {Host}.")]
    private partial void LogCopied(Guid instance, int count, Guid host);

    [LoggerMessage(1502, LogLevel.Warning, "That the place of instance {Instance} is host {Host}, and what goes along with it, could not be written; trying again after a pause.")]
    private partial void LogNotHandedOver(Guid instance, Guid host, Exception failure);
}
