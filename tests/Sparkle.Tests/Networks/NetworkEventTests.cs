using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Sparkle.Tests.Networks;

[TestFixture]
public sealed class NetworkEventTests
{
    [TestCase("network-drift", EventSeverity.Warning)]
    [TestCase("network-rolled-back", EventSeverity.Error)]
    public void What_a_host_tells_of_its_network_is_an_event_with_what_and_why(string type, EventSeverity severity)
    {
        var platform = new SimulatedPlatform();
        var host = platform.AddHost();
        platform.Run();
        var data = JsonText.Parse("""{"what":"bridge pb1","why":"It was deleted."}""");
        var time = DateTimeOffset.UnixEpoch.AddDays(1);

        host.Say(new Message.TwilightNotify(host.Uuid, new Notification(type, severity, null, time, data)));

        var row = platform.Events.Single(told => told.Type == type).ToRow();
        Assert.That((row.Severity, row.Host, row.Instance, row.Mtime, row.Data), Is.EqualTo((severity, (Guid?)host.Uuid, (Guid?)null, time, data)));
    }
}
