using NUnit.Framework;
using PonyCloud.Shared.Reconciliation;

namespace PonyCloud.Shared.Tests.Reconciliation;

public sealed class BackoffTests
{
    private static readonly Backoff Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

    [TestCase(0, 0)]
    [TestCase(1, 1)]
    [TestCase(2, 2)]
    [TestCase(5, 16)]
    [TestCase(6, 30)]
    [TestCase(40, 30)]
    [TestCase(int.MaxValue, 30)]
    public void The_delay_doubles_up_to_its_bound(int failures, int seconds) =>
        Assert.That(Backoff.DelayAfter(failures), Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [Test]
    public void A_first_delay_beyond_the_bound_is_the_bound() =>
        Assert.That(new Backoff(TimeSpan.FromDays(10), TimeSpan.FromDays(1)).DelayAfter(1), Is.EqualTo(TimeSpan.FromDays(1)));

    [TestCase(0, 0)]
    [TestCase(0.5, 8)]
    [TestCase(1, 16)]
    public void Full_jitter_spreads_over_the_whole_delay(double random, int seconds) =>
        Assert.That(Backoff.DelayAfter(5, random), Is.EqualTo(TimeSpan.FromSeconds(seconds)));

    [TestCase(-0.1)]
    [TestCase(1.1)]
    public void A_random_number_is_from_0_to_1(double random) =>
        Assert.That(() => Backoff.DelayAfter(1, random), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
