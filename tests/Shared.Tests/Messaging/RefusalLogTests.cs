using NUnit.Framework;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class RefusalLogTests
{
    private RecordingLog<ZeroMqTransport> _log = new();
    private ManualTime _time = new();

    [SetUp]
    public void SetUp()
    {
        _log = new RecordingLog<ZeroMqTransport>();
        _time = new ManualTime();
    }

    [Test]
    public void A_source_is_named_once_a_minute_with_the_number_of_the_others()
    {
        var refusals = new RefusalLog(_log, _time);

        for (var second = 0; second < 61; second++)
        {
            refusals.Refused("192.0.2.1", "it swears");
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        refusals.Refused("192.0.2.2", "it mumbles");

        Assert.That(_log.Lines, Is.EqualTo(new[]
        {
            "ZeroMQ: refused 192.0.2.1: it swears; 0 more from there since this was last said",
            "ZeroMQ: refused 192.0.2.1: it swears; 59 more from there since this was last said",
            "ZeroMQ: refused 192.0.2.2: it mumbles; 0 more from there since this was last said",
        }));
    }

    [Test]
    public void More_sources_than_are_told_apart_share_a_line_until_old_ones_are_forgotten()
    {
        var refusals = new RefusalLog(_log, _time);
        for (var i = 0; i < RefusalLog.MaxSources + 100; i++)
            refusals.Refused($"source {i}", "it swears");

        Assert.That(_log.Lines, Has.Count.EqualTo(RefusalLog.MaxSources + 1));

        _time.Advance(TimeSpan.FromMinutes(1));
        refusals.Refused("a new source", "it swears");
        refusals.Refused("another", "it swears");
        Assert.That(_log.Lines, Has.Count.EqualTo(RefusalLog.MaxSources + 3));
    }
}
