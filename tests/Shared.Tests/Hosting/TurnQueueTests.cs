using NUnit.Framework;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Tests.Hosting;

[TestFixture]
public sealed class TurnQueueTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task Turns_are_done_in_order_and_those_beyond_the_bound_are_not_lost()
    {
        const int turns = 5000;
        var queue = new TurnQueue(TimeProvider.System);
        var done = new List<int>();
        var all = new TaskCompletionSource();
        for (var i = 0; i < turns; i++)
        {
            var turn = i;
            queue.Add(() =>
            {
                done.Add(turn);
                if (done.Count == turns)
                    all.SetResult();
            });
        }

        using var end = new CancellationTokenSource();
        var loop = queue.RunAsync(end.Token);
        await all.Task.WaitAsync(Limit);
        await end.CancelAsync();

        Assert.That(done, Is.EqualTo(Enumerable.Range(0, turns)));
        Assert.That(async () => await loop, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task What_a_turn_throws_ends_the_loop_and_all_that_runs_with_it()
    {
        var queue = new TurnQueue(TimeProvider.System);
        var cancelled = new TaskCompletionSource();
        queue.Add(() => throw new InvalidOperationException("broken"));

        var group = TaskGroup.RunAsync(CancellationToken.None, queue.RunAsync, async cancellation =>
        {
            await using var _ = cancellation.Register(cancelled.SetResult);
            await cancelled.Task;
        });

        Assert.That(async () => await group.WaitAsync(Limit), Throws.InvalidOperationException.With.Message.EqualTo("broken"));
        Assert.That(cancelled.Task.IsCompleted, Is.True);
        await cancelled.Task;
    }
}
