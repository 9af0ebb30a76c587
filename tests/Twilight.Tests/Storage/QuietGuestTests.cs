using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Storage.Working;

namespace PonyCloud.Twilight.Tests.Storage;

/// <summary>However it ends, a guest whose file systems stand still goes on.</summary>
public sealed class QuietGuestTests
{
    private static readonly Guid Guest = Guid.Parse("00000000-0000-0000-0000-000000000001");

    private readonly ManualTime _time = new();
    private FakeHypervisor _hypervisor = null!;

    [SetUp]
    public async Task MakeAsync()
    {
        _hypervisor = new FakeHypervisor { GuestsHaveAgents = true };
        await _hypervisor.DefineAsync(
            Guest, $"<domain><name>web</name><uuid>{Guest}</uuid><memory>32</memory><vcpu>1</vcpu><devices></devices></domain>", CancellationToken.None);
        await _hypervisor.StartAsync(Guest, paused: false, CancellationToken.None);
    }

    [TearDown]
    public async Task EndAsync() => await _hypervisor.DisposeAsync();

    [Test]
    public async Task It_is_thawed_when_the_work_is_over()
    {
        await using (await BeginAsync())
            Assert.That(Thaws, Is.Zero);

        Assert.That(Thaws, Is.EqualTo(1));
    }

    [Test]
    public async Task One_that_nobody_froze_is_not_thawed()
    {
        _hypervisor.GuestsHaveAgents = false;
        await using (await BeginAsync())
            Assert.That(Thaws, Is.Zero);

        Assert.That(Thaws, Is.Zero);
    }

    [Test]
    public async Task It_is_thawed_once_when_its_time_is_over_though_the_work_goes_on()
    {
        await using (await BeginAsync())
        {
            _time.Advance(QuietGuest.Longest);
            await Eventually.HoldsAsync("the thaw", () => Thaws == 1);
        }

        Assert.That(Thaws, Is.EqualTo(1));
    }

    [Test]
    public async Task It_is_thawed_when_the_order_is_withdrawn_while_it_freezes()
    {
        using var withdrawn = new CancellationTokenSource();
        var gate = _hypervisor.Hold("freeze", Guest);
        var beginning = QuietGuest.BeginAsync(_hypervisor, Guest, _time, NullLogger.Instance, withdrawn.Token);
        await gate.Arrived;
        await withdrawn.CancelAsync();

        Assert.That(async () => await beginning, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Thaws, Is.EqualTo(1));
        gate.Open();
    }

    [Test]
    public async Task A_thaw_that_fails_is_tried_again_and_given_up()
    {
        var guest = await BeginAsync();
        for (var i = 0; i < 3; i++)
            _hypervisor.Fail("thaw", Guest, "It does not answer.");

        var ending = guest.DisposeAsync().AsTask();
        await Eventually.HoldsAsync("the end", () =>
        {
            _time.Advance(TimeSpan.FromSeconds(2));
            return ending.IsCompleted;
        });

        await ending;
        Assert.That(Thaws, Is.EqualTo(3));
    }

    private int Thaws => _hypervisor.Calls.Count(call => call == $"thaw {Guest}");

    private Task<QuietGuest> BeginAsync() => QuietGuest.BeginAsync(_hypervisor, Guest, _time, NullLogger.Instance, CancellationToken.None);
}
