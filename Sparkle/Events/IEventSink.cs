using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;

namespace PonyCloud.Sparkle.Events;

/// <summary>Something that users or operators should know happened.</summary>
/// <param name="Type">What happened, such as <c>host-unreachable</c>.</param>
public sealed record PlatformEvent(string Type, EventSeverity Severity, Guid? Host, Guid? Instance, DateTimeOffset Time, JsonText? Data)
{
    /// <summary>A host's notification as an event. The instance is the host's claim, checked by whoever records it.</summary>
    public static PlatformEvent Of(Guid host, Notification notification) =>
        new(notification.Type, notification.Severity, host, notification.Instance, notification.Time, notification.Data);

    /// <summary>The row of this one occurrence.</summary>
    public EventDesired ToRow()
    {
        var same = string.Create(CultureInfo.InvariantCulture, $"{Type}\n{Severity}\n{Host}\n{Instance}");
        return new EventDesired
        {
            Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(same))),
            Ctime = Time,
            Mtime = Time,
            Count = 1,
            Type = Type,
            Severity = Severity,
            Host = Host,
            Instance = Instance,
            Data = Data,
        };
    }
}

/// <summary>Takes events; never blocks and never fails.</summary>
public interface IEventSink
{
    void Record(PlatformEvent platformEvent);
}
