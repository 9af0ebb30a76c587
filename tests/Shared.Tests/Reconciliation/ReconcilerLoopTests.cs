using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Shared.Tests.Reconciliation;

[CancelAfter(30_000)]
public sealed class ReconcilerLoopTests
{
    private readonly Channel<IReadOnlyList<string>> _passes = Channel.CreateUnbounded<IReadOnlyList<string>>();
    private readonly Channel<Func<ReconcileResult>> _results = Channel.CreateUnbounded<Func<ReconcileResult>>();
    private ManualTime _time = null!;
    private ReconcilerLoop _loop = null!;
    private CancellationTokenSource _stopping = null!;
    private Task _running = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _time = new ManualTime();
        _stopping = new CancellationTokenSource();
        _loop = new ReconcilerLoop("test", PassAsync, new ReconcilerLoopOptions(), _time, NullLogger.Instance);
        _running = _loop.RunAsync(_stopping.Token);
        Assert.That(await PassAsync(), Is.EqualTo((string[])["start"]));
    }

    [TearDown]
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        Assert.That(async () => await _running, Throws.InstanceOf<OperationCanceledException>());
        _stopping.Dispose();
    }

    [Test]
    public async Task A_wake_up_leads_to_a_pass_that_knows_its_reason()
    {
        End();
        _loop.Wake("something");

        Assert.That(await PassAsync(), Is.EqualTo((string[])["something"]));
        End();
    }

    [Test]
    public async Task Wake_ups_while_a_pass_runs_become_one()
    {
        foreach (var reason in (string[])["one", "two", "one"])
            _loop.Wake(reason);
        End();

        Assert.That(await PassAsync(), Is.EqualTo((string[])["one", "two"]));
        End();
        _loop.Wake("later");
        Assert.That(await PassAsync(), Is.EqualTo((string[])["later"]), "no pass in between");
        End();
    }

    [Test]
    public async Task Without_any_wake_up_a_pass_is_made_after_the_safety_interval()
    {
        End();
        await _time.WaitForTimerAsync(within: TimeSpan.FromSeconds(60));
        _time.Advance(TimeSpan.FromSeconds(60));

        Assert.That(await PassAsync(), Is.EqualTo((string[])[ReconcilerLoop.SafetyReason]));
        End();
    }

    [Test]
    public async Task A_pass_can_ask_for_an_earlier_one()
    {
        End(new ReconcileResult(TimeSpan.FromSeconds(5), "patience is over"));
        await _time.WaitForTimerAsync(within: TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.That(await PassAsync(), Is.EqualTo((string[])["patience is over"]));
        End();
    }

    [Test]
    public async Task A_pass_that_throws_is_made_again_ever_later()
    {
        foreach (var seconds in (int[])[1, 2, 4])
        {
            await _results.Writer.WriteAsync(() => throw new InvalidOperationException("on purpose"));
            await _time.WaitForTimerAsync(within: TimeSpan.FromSeconds(seconds));
            _time.Advance(TimeSpan.FromSeconds(seconds));
            Assert.That(await PassAsync(), Is.EqualTo((string[])[ReconcilerLoop.RetryReason]));
        }
        End();
    }

    [Test]
    public async Task A_wake_up_cuts_the_wait_after_a_failure_short()
    {
        await _results.Writer.WriteAsync(() => throw new InvalidOperationException("on purpose"));
        await _time.WaitForTimerAsync(within: TimeSpan.FromSeconds(1));
        _loop.Wake("something");

        Assert.That(await PassAsync(), Is.EqualTo((string[])["something"]));
        End();
    }

    private void End(ReconcileResult result = default) => _results.Writer.TryWrite(() => result);

    private async Task<IReadOnlyList<string>> PassAsync() => await _passes.Reader.ReadAsync(TestContext.CurrentContext.CancellationToken);

    private async Task<ReconcileResult> PassAsync(IReadOnlyList<string> reasons, CancellationToken cancellationToken)
    {
        await _passes.Writer.WriteAsync(reasons, cancellationToken);
        return (await _results.Reader.ReadAsync(cancellationToken))();
    }
}
