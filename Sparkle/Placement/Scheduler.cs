using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Networks;

namespace PonyCloud.Sparkle.Placement;

/// <summary>
/// Gives every instance that is to run a host. Owned by the control loop; only the writing happens outside of it.
/// </summary>
/// <remarks>
/// A place is a database row, so it survives everything: an instance stays where it is, and while its host is silent it
/// is started nowhere else. A new place is sought only for an instance that no host has and none is to have. The
/// decision is written and takes effect when it comes back through the change stream like any other order; until then
/// it counts as pending.
/// </remarks>
public sealed partial class Scheduler(
    EntityCatalog catalog, IDesiredStateWriter writer, IControlQueue queue, IStateView view, ILogger<Scheduler> logger) : IControlFeature
{
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);

    private readonly Entity _config = catalog["config"];
    private readonly Entity _host = catalog["host"];
    private readonly Entity _instance = catalog["instance"];
    private readonly Entity _migration = catalog["host_migration"];
    private readonly Entity _place = catalog["host_instance"];
    private readonly Entity _tenant = catalog["tenant"];
    private readonly VolumeReach _reach = new(catalog);
    private readonly NetworkRows _networks = new(catalog);
    private readonly SortedSet<string> _unplaced = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _why = new(StringComparer.Ordinal);
    private readonly HashSet<string> _explained = new(StringComparer.Ordinal);

    // Instances whose refused place shall not spoil the next batch: they are tried alone.
    private readonly HashSet<string> _alone = new(StringComparer.Ordinal);
    private bool _writing;
    private bool _wanted;
    private TimeSpan _notBefore;
    private TimeSpan _now;

    internal StateSnapshot? State { get; private set; }

    /// <summary>Why the instance has no place, in words for its owner.</summary>
    public string WhyNot(Guid instance) => _why.GetValueOrDefault(instance.ToString(), "A place is being sought.");

    public void Settled(ChangeSet changes)
    {
        State = changes.After;
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == _instance)
            {
                // What it does says nothing about whether it needs a place, and a stopped one does not, unless it did until now.
                if (transition.Changed(RowPart.Desired) && (IsToRun(transition.Before) || IsToRun(transition.After)))
                    Consider(changes.After, transition.Key.Text);
            }
            else if (transition.Entity == _place || transition.Entity == _migration)
                Consider(changes.After, transition.Key.Parts[1]);
            else if (CardReach.Concerns(_networks, transition.Entity))
                _wanted |= transition.Changed(RowPart.Desired);
            else if (transition.Entity == _host || transition.Entity == _config || transition.Entity == _tenant || _reach.Concerns(transition.Entity))
                _wanted = true;
        }
        PlaceAll();
    }

    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        _now = now;
        PlaceAll();
        return [];
    }

    /// <summary>The instances whose <see cref="WhyNot"/> changed since the last call.</summary>
    internal IReadOnlyList<string> TakeExplained()
    {
        var explained = _explained.ToArray();
        _explained.Clear();
        return explained;
    }

    private static bool IsToRun(Row? instance) => instance?.Desired is InstanceDesired { Template: false, State: not InstanceState.Stopped };

    /// <summary>Whether the instance needs a place, from what is true now.</summary>
    private void Consider(StateSnapshot state, string instance)
    {
        var needsPlace = IsToRun(state[_instance].Find(RowKey.Of(instance)))
            && !state[_place].Where("instance", instance).Any(place => place.Desired is not null);
        if (needsPlace ? _unplaced.Add(instance) : _unplaced.Remove(instance))
            _wanted = true;
        if (!needsPlace)
        {
            _why.Remove(instance);
            _alone.Remove(instance);
        }
    }

    private void PlaceAll()
    {
        if (!_wanted || _writing || _unplaced.Count == 0 || State is not { } state || _now < _notBefore || !view.Database.IsUp)
            return;
        _wanted = false;
        var capacity = Capacity.Of(catalog, state);
        var cards = new CardReach(_networks, state);
        var places = new List<HostInstanceDesired>();
        foreach (var key in _unplaced)
        {
            var instance = (InstanceDesired)state[_instance].Find(RowKey.Of(key))!.Desired!;
            if (Choose(state, capacity, cards, instance, out var why) is { } host)
                places.Add(new HostInstanceDesired { Host = host, Instance = instance.Uuid });
            else if (_why.GetValueOrDefault(key) != why)
                Explain(key, why);
        }
        var shared = places.Where(place => !_alone.Contains(place.Instance.ToString())).ToList();
        if (places.Count == 0)
            return;
        if (shared.Count > 0 && shared.Count < places.Count)
            _wanted = true;
        _writing = true;
        _ = WriteAsync(shared.Count > 0 ? shared : [places[0]]);
    }

    private Guid? Choose(StateSnapshot state, Capacity capacity, CardReach cards, InstanceDesired instance, out string why)
    {
        if (instance.Tenant is not { } tenant || state[_tenant].Find(tenant)?.Desired is not TenantDesired { Approved: true })
        {
            why = "The tenant has not been approved yet.";
            return null;
        }
        var parts = state[_migration].Where("instance", instance.Uuid.ToString()).Select(part => part.Current).OfType<HostMigrationCurrent>();
        if (parts.Any(part => part.Status is not (HostMigrationStatus.Here or HostMigrationStatus.Left)))
        {
            why = "What has arrived of it at a host, or may arrive yet, is settled first.";
            return null;
        }
        // A host that still has the instance, although no order says so, keeps it: a second copy is never made.
        var holder = state[_place].Where("instance", instance.Uuid.ToString()).FirstOrDefault(place => place.Current is not null);
        if (holder is null)
            return Among(state, cards, instance.Uuid, out why) is { } among ? capacity.Take(instance, among, out why) : null;
        why = "The host that has it is gone and has not let go of it.";
        var host = Guid.Parse(holder.Key.Parts[0]);
        return state[_host].Find(host)?.Desired is HostDesired { State: not HostState.Gone } ? host : null;
    }

    /// <summary>The hosts that reach its volumes and can carry its cards; null when there is none.</summary>
    private Candidates? Among(StateSnapshot state, CardReach cards, Guid instance, out string why)
    {
        var reaching = _reach.HostsOf(state, instance, out why);
        if (reaching is { Count: 0 })
            return null;
        var preferred = cards.PreferredOf(instance);
        if (cards.HostsOf(instance) is not { } carrying)
            return new Candidates(reaching, preferred, reaching is null ? "" : " that reaches its volumes");
        if (reaching is null)
            return new Candidates(carrying, preferred, " that can carry its network cards");
        var both = reaching.Intersect(carrying).ToHashSet();
        why = "No host that reaches its volumes can carry its network cards.";
        return both.Count == 0 ? null : new Candidates(both, preferred, " that reaches its volumes and can carry its network cards");
    }

    private void Explain(string instance, string why)
    {
        _why[instance] = why;
        _explained.Add(instance);
    }

    private async Task WriteAsync(List<HostInstanceDesired> places)
    {
        Exception? failure = null;
        try
        {
            using var timeout = new CancellationTokenSource(WriteTimeout);
            await writer.WriteAsync([.. places.Select(place => new RowWrite.Insert(_place, place))], timeout.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }
        queue.Post(() => Written(places, failure));
    }

    private void Written(List<HostInstanceDesired> places, Exception? failure)
    {
        _writing = false;
        if (failure is null)
        {
            foreach (var place in places)
                LogPlaced(place.Instance, place.Host);
            PlaceAll();
            return;
        }
        // Somebody deleted the instance or the host, or placed it by hand, between the decision and the write; or the
        // database is away. Either way the next look at the state decides anew, after a pause.
        if (failure is WriteRefusedException { Write: { } index } && index < places.Count)
            _alone.Add(places[index].Instance.ToString());
        LogNotPlaced(places.Count, failure);
        _wanted = true;
        _notBefore = _now + PauseAfterFailure;
    }

    [LoggerMessage(1201, LogLevel.Information, "Instance {Instance} was placed on host {Host}.")]
    private partial void LogPlaced(Guid instance, Guid host);

    [LoggerMessage(1202, LogLevel.Warning, "{Count} places could not be written; trying again soon.")]
    private partial void LogNotPlaced(int count, Exception failure);
}
