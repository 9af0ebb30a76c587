using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>
/// Records what becomes of orders to migrate: <c>instance-migrated</c>, <c>instance-migration-failed</c>,
/// <c>instance-migration-withdrawn</c>. Owned by the control loop.
/// </summary>
internal sealed class MigrationEvents(MigrationRows rows, IEventSink events, TimeProvider time) : IControlFeature
{
    private readonly Dictionary<Guid, DateTimeOffset> _ordered = [];

    public void Settled(ChangeSet changes)
    {
        foreach (var transition in changes.Rows)
        {
            if (transition.Entity == rows.Order && transition.Changed(RowPart.Desired))
                Ordered(changes, transition);
            else if (transition.Entity == rows.Part)
                Said(changes.After, transition);
            else if (transition.Entity == rows.Copy)
                Copied(changes.After, transition);
        }
    }

    private void Ordered(ChangeSet changes, RowTransition transition)
    {
        var instance = Guid.Parse(transition.Key.Text);
        if (transition.After?.Desired is not null)
        {
            _ordered.TryAdd(instance, time.GetUtcNow());
            return;
        }
        var since = _ordered.Remove(instance, out var known) ? (TimeSpan?)(time.GetUtcNow() - known) : null;
        var destination = ((MigrationDesired)transition.Before!.Desired!).DestinationHost;
        var from = rows.PlaceOf(changes.Before, instance);
        // An order that is just missing was not withdrawn, and with its instance it needs no more words.
        if (changes.IsReload || rows.InstanceOf(changes.After, instance) is null)
            return;
        if (rows.PlaceOf(changes.After, instance) == destination)
        {
            if (from != destination)
                Record("instance-migrated", EventSeverity.Info, destination, instance, ("from", from), ("to", destination), ("seconds", since is { } lasted ? (long)lasted.TotalSeconds : null));
        }
        else
        {
            Record("instance-migration-withdrawn", EventSeverity.Info, null, instance, ("to", destination));
        }
    }

    private void Said(StateSnapshot state, RowTransition transition)
    {
        if (transition.After is { Desired: HostMigrationDesired, Current: HostMigrationCurrent { Status: HostMigrationStatus.Broken } broken }
            && transition.Before?.Current is not HostMigrationCurrent { Status: HostMigrationStatus.Broken }
            && rows.OrderOf(state, broken.Instance) is { } order)
        {
            Failed(state, order, broken.Host, broken.Why);
        }
    }

    private void Copied(StateSnapshot state, RowTransition transition)
    {
        if (transition.After is { Desired: HostVolumeCopyDesired copy, Current: HostVolumeCopyCurrent { Status: StorageStatus.Broken } broken }
            && transition.Before?.Current is not HostVolumeCopyCurrent { Status: StorageStatus.Broken }
            && rows.OrderOf(state, copy.Instance) is { } order)
        {
            Failed(state, order, copy.Host, broken.Why, ("volume", copy.Volume));
        }
    }

    private void Failed(StateSnapshot state, MigrationDesired order, Guid host, string? why, params (string Name, object? Value)[] data) => Record(
        "instance-migration-failed", EventSeverity.Warning, host, order.Instance,
        [("from", rows.PlaceOf(state, order.Instance)), ("to", order.DestinationHost), ("why", why), .. data]);

    private void Record(string type, EventSeverity severity, Guid? host, Guid instance, params (string Name, object? Value)[] data) =>
        events.Record(new PlatformEvent(type, severity, host, instance, time.GetUtcNow(), JsonText.Parse(
            JsonSerializer.Serialize(data.Where(item => item.Value is not null).ToDictionary(item => item.Name, item => item.Value)))));
}
