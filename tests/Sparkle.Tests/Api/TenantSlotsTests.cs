using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Consoles;
using PonyCloud.Sparkle.Transfers;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Places for what goes on at once, as consoles and transfers have them.</summary>
public sealed class TenantSlotsTests
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(7);

    private static readonly TestCaseData[] Kinds =
    [
        new TestCaseData(
            new ConsoleSlots(new ConsoleOptions { Max = 3, MaxPerTenant = 2, RetryAfter = RetryAfter }), ProblemKind.TooManyStreams, "consoles open"),
        new TestCaseData(
            new TransferSlots(new TransferOptions { Max = 3, MaxPerTenant = 2, RetryAfter = RetryAfter }), ProblemKind.TooManyTransfers, "transfers"),
    ];

    [TestCaseSource(nameof(Kinds))]
    public void They_are_limited_for_a_tenant_and_for_all(TenantSlots slots, ProblemKind tooMany, string words)
    {
        using var first = slots.Take("a");
        using var second = slots.Take("a");
        Refuses(slots, "a", tooMany, $"The tenant has 2 {words}, and no more at once.");
        using var third = slots.Take("b");
        Refuses(slots, "b", ProblemKind.Unavailable, $"There are 3 {words}, and no more at once.");
        Assert.That(slots.Taken, Is.EqualTo(3));
    }

    [Test]
    public void A_place_is_given_back_once()
    {
        var slots = new ConsoleSlots(new ConsoleOptions { Max = 3, MaxPerTenant = 2, RetryAfter = RetryAfter });
        var first = slots.Take("a");
        using var second = slots.Take("a");
        first.Dispose();
        first.Dispose();
        Assert.That(slots.Taken, Is.EqualTo(1));
        using var third = slots.Take("a");
        Refuses(slots, "a", ProblemKind.TooManyStreams, "The tenant has 2 consoles open, and no more at once.");
    }

    [Test]
    public void A_place_that_many_threads_give_back_is_given_back_once()
    {
        var slots = new ConsoleSlots(new ConsoleOptions { Max = 200, MaxPerTenant = 200 });
        IDisposable[] taken = [.. Enumerable.Range(0, 100).Select(_ => slots.Take("a"))];
        using var stays = slots.Take("a");
        Parallel.For(0, 400, index => taken[index % 100].Dispose());
        Assert.That(slots.Taken, Is.EqualTo(1));
    }

    private static void Refuses(TenantSlots slots, string tenant, ProblemKind kind, string detail)
    {
        var problem = Assert.Throws<ProblemException>(() => slots.Take(tenant).Dispose())!.Problem;
        Assert.That((problem.Kind, problem.Detail), Is.EqualTo((kind, detail)));
        Assert.That(problem.RetryAfter, Is.EqualTo(RetryAfter));
    }
}
