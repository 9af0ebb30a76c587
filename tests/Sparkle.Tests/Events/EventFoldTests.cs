using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Tests.Events;

[TestFixture]
public sealed class EventFoldTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static EventDesired Occurrence(string type, int minute, Guid? host = null) =>
        new PlatformEvent(type, EventSeverity.Warning, host, null, Start.AddMinutes(minute), JsonText.Parse($"{minute}")).ToRow();

    [Test]
    public void The_same_again_raises_the_count_and_keeps_the_newest()
    {
        var fold = new EventFold(10);
        fold.Add(Occurrence("a", 5));
        fold.Add(Occurrence("a", 9));
        fold.Add(Occurrence("a", 7));
        Assert.That(fold.Take().Single(), Is.EqualTo(Occurrence("a", 5) with
        {
            Count = 3,
            Mtime = Start.AddMinutes(9),
            Data = JsonText.Parse("9"),
        }));
    }

    [Test]
    public void Another_host_is_another_event()
    {
        var fold = new EventFold(10);
        fold.Add(Occurrence("a", 1, Guid.NewGuid()));
        fold.Add(Occurrence("a", 1, Guid.NewGuid()));
        Assert.That(fold.Take(), Has.Count.EqualTo(2));
    }

    [Test]
    public void Beyond_the_bound_the_oldest_goes()
    {
        var fold = new EventFold(2);
        fold.Add(Occurrence("a", 1));
        fold.Add(Occurrence("b", 2));
        fold.Add(Occurrence("a", 3));
        fold.Add(Occurrence("c", 4));
        Assert.That(fold.Take().Select(row => row.Type), Is.EqualTo(new[] { "b", "c" }));
        Assert.That(fold.Count, Is.Zero);
    }
}
