using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Api.Watching;
using PonyCloud.Sparkle.Api.Writing;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database.Writing;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Api.Metrics;

/// <summary>
/// What the controller measures of itself. All of it is read when somebody asks; rooms keep plain counters and know
/// nothing of this. A room that is not there has no instruments.
/// </summary>
public sealed class PlatformMetrics
{
    public const string MeterName = "PonyCloud.Sparkle";

    // From what a socket on the same machine takes to what somebody would notice.
    private static readonly double[] LagBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

    private readonly IStateView _view;
    private readonly TimeProvider _time;

    public PlatformMetrics(IServiceProvider services)
    {
        _view = services.GetRequiredService<IStateView>();
        _time = services.GetRequiredService<TimeProvider>();
        var meter = services.GetRequiredService<IMeterFactory>().Create(MeterName);
        AddState(meter, services.GetRequiredService<EntityCatalog>());
        var revocations = services.GetRequiredService<Revocations>();
        meter.CreateObservableGauge("sparkle.tokens.waiting", () => revocations.Waiting, null, "Ended tokens that are not in the database yet.");
        AddWatching(meter, services.GetRequiredService<WatchHub>());
        var keys = services.GetRequiredService<IdempotencyKeys>();
        meter.CreateObservableGauge("sparkle.requests.under_way", () => keys.UnderWay, null, "Requests with an idempotency key that are being carried out.");
        if (services.GetService<RequestLedger>() is { } requests)
            AddRequests(meter, requests);
        if (services.GetService<DesiredStateWriter>() is { } writer)
            AddWriter(meter, writer);
        if (services.GetService<LetGoDesk>() is { } desk)
            meter.CreateObservableGauge("sparkle.orders.waiting", () => desk.Waiting, null, "Orders on disk that wait for the database.");
        if (services.GetService<ControlLoop>() is { } loop)
            AddLoop(meter, loop);
        if (services.GetService<HostRegistry>() is { } hosts)
            AddReplication(meter, hosts);
        if (services.GetService<EventRecorder>() is { } events)
            AddEvents(meter, events);
        if (services.GetService<HostDoor>() is { } door)
            meter.CreateObservableCounter("sparkle.hosts.refused", () => door.Refused, null, "Messages of hosts that were refused.");
        if (services.GetService<IMessageTransport>() is ZeroMqTransport transport)
            AddTransport(meter, transport);
    }

    private void AddState(Meter meter, EntityCatalog catalog)
    {
        meter.CreateObservableGauge("sparkle.database.up", () => _view.Database.IsUp ? 1 : 0, null, "Whether memory follows the database.");
        meter.CreateObservableGauge(
            "sparkle.database.unchanged", () => (_time.GetUtcNow() - _view.Database.Since).TotalSeconds, "s", "Since when it does or does not.");
        meter.CreateObservableGauge("sparkle.active", () => _view is { Snapshot: not null, Epoch: not null } ? 1 : 0, null, "Whether this controller speaks to hosts.");
        meter.CreateObservableGauge("sparkle.revision", () => _view.Snapshot?.Revision ?? 0, null, "The revision of the state.");
        meter.CreateObservableGauge(
            "sparkle.rows", () => Of(state => catalog.All.Select(entity => Labelled(state[entity].Count, "table", entity.Name))), null, "Rows in memory.");
        meter.CreateObservableGauge(
            "sparkle.hosts", () => Of(state => Statuses<HostCurrent, HostStatus>(state[catalog["host"]], host => host.Status, catalog["host"])), null, "Hosts by status.");
        meter.CreateObservableGauge(
            "sparkle.instances",
            () => Of(state => Statuses<InstanceCurrent, InstanceStatus>(state[catalog["instance"]], instance => instance.Status, catalog["instance"])),
            null, "Instances by status.");
    }

    private static void AddWatching(Meter meter, WatchHub hub)
    {
        meter.CreateObservableGauge("sparkle.watch.streams", () => hub.Count, null, "Streams of changes.");
        meter.CreateObservableCounter(
            "sparkle.watch.ended", () => hub.Ended.Select(pair => Labelled(pair.Value, "reason", pair.Key)), null, "Streams that have ended, by the reason.");
        meter.CreateObservableGauge("sparkle.watch.history", () => hub.History.Bytes, "By", "Memory of the changes that streams can still be sent.");
        meter.CreateObservableGauge("sparkle.watch.history.sets", () => hub.History.Sets, null, "How many sets of changes that is.");
    }

    private static void AddRequests(Meter meter, RequestLedger requests)
    {
        meter.CreateObservableGauge(
            "sparkle.requests.kept", () => requests.Kept is { } kept ? (IEnumerable<Measurement<long>>)[new(kept)] : [], null, "Requests with an idempotency key that are kept.");
        meter.CreateObservableCounter("sparkle.requests.repeated", () => requests.Repeated, null, "Requests that were answered with what is kept of them.");
    }

    private static void AddWriter(Meter meter, DesiredStateWriter writer)
    {
        var lag = meter.CreateHistogram(
            "sparkle.commit.lag", "s", "From the answer to a commit to the moment when readers see it.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = LagBounds });
        writer.Shown += after => lag.Record(after.TotalSeconds);
    }

    private static void AddReplication(Meter meter, HostRegistry hosts)
    {
        meter.CreateObservableGauge("sparkle.replication.sessions", () => hosts.SessionCount, null, "Sessions with hosts, those included that are not in step yet.");
        meter.CreateObservableGauge("sparkle.replication.asked", () => hosts.AskedCount, null, "Hosts that are being asked for their full state.");
        meter.CreateObservableCounter("sparkle.replication.resyncs", () => hosts.ResyncCount, null, "How often a host was asked for its full state.");
    }

    private static void AddLoop(Meter meter, ControlLoop loop)
    {
        meter.CreateObservableCounter("sparkle.database.loads", () => loop.Loads, null, "How often the state was loaded as a whole.");
        meter.CreateObservableGauge("sparkle.control.waiting", () => loop.Waiting, null, "Turns that wait for the control loop.");
        meter.CreateObservableGauge("sparkle.control.last_turn", () => loop.SinceLastTurn.TotalSeconds, "s", "How long ago the loop finished a turn.");
        meter.CreateObservableCounter("sparkle.control.turns", () => loop.Turns, null, "Turns of the control loop.");
        meter.CreateObservableCounter("sparkle.control.busy", () => loop.Busy.TotalSeconds, "s", "Time that the turns took, all together.");
    }

    private static void AddEvents(Meter meter, EventRecorder events)
    {
        meter.CreateObservableGauge("sparkle.events.waiting", () => events.Waiting, null, "Events that are not in the database yet.");
        meter.CreateObservableCounter("sparkle.events.dropped", () => events.Dropped, null, "Events that were dropped since too many waited.");
    }

    private static void AddTransport(Meter meter, ZeroMqTransport transport)
    {
        meter.CreateObservableGauge("sparkle.transport.waiting", () => transport.WaitingBytes, "By", "What waits to be sent to hosts.");
        meter.CreateObservableCounter("sparkle.transport.ignored", () => transport.IgnoredMessages, null, "Messages that could not be read.");
        if (transport.Door is not { } door)
            return;
        meter.CreateObservableGauge("sparkle.door.open", () => door.Open, null, "Connections of hosts, authenticated or not.");
        meter.CreateObservableCounter("sparkle.door.accepted", () => door.Accepted, null, "Connections that came.");
        meter.CreateObservableCounter("sparkle.door.handshakes", () => door.Handshakes, null, "Connections whose peer proved its key and was admitted.");
        meter.CreateObservableCounter("sparkle.door.broken_handshakes", () => door.BrokenHandshakes, null, "Connections that were closed before they proved a key.");
        meter.CreateObservableCounter("sparkle.door.refused", () => door.RefusedByGate, null, "Connections whose peer proved a key that was not admitted.");
        meter.CreateObservableCounter("sparkle.door.refused_messages", () => door.RefusedMessages, null, "Messages of strangers that were too large.");
        meter.CreateObservableCounter("sparkle.door.failed_accepts", () => door.FailedAccepts, null, "Connections that could not be taken.");
    }

    private IEnumerable<Measurement<long>> Of(Func<StateSnapshot, IEnumerable<Measurement<long>>> measure) =>
        _view.Snapshot is { } state ? measure(state) : [];

    private static IEnumerable<Measurement<long>> Statuses<TCurrent, TStatus>(TableSnapshot table, Func<TCurrent, TStatus> status, Entity entity)
        where TStatus : struct, Enum
    {
        var column = entity.Current!.Column("status")!;
        var counts = Enum.GetValues<TStatus>().ToDictionary(value => value, _ => 0L);
        foreach (var row in table.Rows)
        {
            if (row.Current is TCurrent current)
                counts[status(current)]++;
        }
        return counts.Select(pair => Labelled(pair.Value, "status", column.EnumName(pair.Key)));
    }

    private static Measurement<long> Labelled(long value, string label, string of) => new(value, KeyValuePair.Create<string, object?>(label, of));
}
