using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Hosts;

namespace PonyCloud.TestKit.Control;

/// <summary>What stands before the sessions.</summary>
public static class HostDoors
{
    /// <summary>One where nobody enrols by a token.</summary>
    public static HostDoor Make(EntityCatalog catalog, IEventSink events, ControlOptions options, TimeProvider time)
    {
        var nowhere = new Nowhere();
        return Make(catalog, events, options, time, new KeyGate(time), nowhere, nowhere);
    }

    public static HostDoor Make(
        EntityCatalog catalog,
        IEventSink events,
        ControlOptions options,
        TimeProvider time,
        KeyGate gate,
        IDesiredStateWriter writer,
        IControlQueue queue) => new(
        catalog,
        new HostAdmission(catalog),
        new EnrolmentDesk(catalog, writer, queue, events, time, NullLogger<EnrolmentDesk>.Instance),
        gate,
        events,
        options,
        time,
        NullLogger<HostDoor>.Instance);

    private sealed class Nowhere : IDesiredStateWriter, IControlQueue
    {
        public Task WriteAsync(IReadOnlyList<RowWrite> writes, CancellationToken cancellation) =>
            throw new NotSupportedException("Nobody enrols here.");

        public void Post(Action action) => throw new NotSupportedException("Nobody enrols here.");
    }
}
