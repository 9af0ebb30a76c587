using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Hypervisor;

namespace PonyCloud.Twilight.Tests.Reconciliation;

/// <summary>Agents in guests, as the loop of the instances has to do with them.</summary>
public sealed class HostReconcilerAgentTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Two = Guid.Parse("00000000-0000-0000-0000-000000000002");

    private ReconcilerBench _bench = null!;

    private FakeHypervisor Hypervisor => _bench.Hypervisor;

    [SetUp]
    public async Task MakeAsync()
    {
        _bench = new ReconcilerBench();
        _bench.Order(One, InstanceState.Running);
        await _bench.UntilAsync(One, InstanceStatus.Running);
    }

    [TearDown]
    public async Task DisposeAsync() => await _bench.DisposeAsync();

    [Test]
    public async Task Addresses_are_reported_while_an_agent_says_them()
    {
        Assert.That(_bench.RowOf(One)!.GuestAddresses, Is.Null);
        Hypervisor.SetAgent(One, "127.0.0.1", "192.0.2.7");
        await _bench.UntilAsync("its address", () => Equals(_bench.RowOf(One)!.GuestAddresses, TextList.Of(["192.0.2.7"])));

        Hypervisor.SetAgent(One, null);
        await _bench.UntilAsync("no address", () => _bench.RowOf(One)!.GuestAddresses is null);
        Hypervisor.SetAgent(One, "192.0.2.8");
        await _bench.UntilAsync("another address", () => Equals(_bench.RowOf(One)!.GuestAddresses, TextList.Of(["192.0.2.8"])));

        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync("off", () => _bench.RowOf(One) is { Status: InstanceStatus.Stopped, GuestAddresses: null });
        Assert.That(Hypervisor.Calls, Does.Contain($"agent-shutdown {One}").And.No.Member($"shutdown {One}").And.No.Member($"thaw {One}"));
    }

    [Test]
    public async Task An_agent_that_hangs_while_it_is_asked_holds_up_no_stop_and_nobody_else()
    {
        var addresses = Hypervisor.Hold("addresses", One);
        Hypervisor.SetAgent(One, "192.0.2.7");
        await addresses.Arrived;
        _bench.Order(Two, InstanceState.Running);
        await _bench.UntilAsync(Two, InstanceStatus.Running);

        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);
    }

    [Test]
    public async Task Where_the_agent_cannot_be_asked_the_button_is_pressed_at_once()
    {
        Hypervisor.SetAgent(One, "192.0.2.7");
        await _bench.UntilAsync("its address", () => _bench.RowOf(One)!.GuestAddresses is not null);
        Hypervisor.Fail("agent-shutdown", One, "It does not answer.");

        _bench.Order(One, InstanceState.Stopped);
        await _bench.UntilAsync(One, InstanceStatus.Stopped);

        Assert.That(Hypervisor.Calls, Does.Contain($"agent-shutdown {One}").And.Contain($"shutdown {One}"));
    }

    [Test]
    public async Task A_stop_that_becomes_a_removal_does_not_wait_for_an_agent_that_hangs()
    {
        Hypervisor.SetAgent(One, "192.0.2.7");
        await _bench.UntilAsync("its address", () => _bench.RowOf(One)!.GuestAddresses is not null);
        var gate = Hypervisor.Hold("agent-shutdown", One);
        _bench.Order(One, InstanceState.Stopped);
        await gate.Arrived;

        // The gate stays shut.
        _bench.Order(One, null);
        await _bench.UntilAsync("no domain", () => Hypervisor.Domains.Count == 0 && _bench.RowOf(One) is null);
    }

    [Test]
    public async Task A_guest_that_was_on_before_the_agent_of_the_host_is_thawed_once()
    {
        Hypervisor.SetAgent(One, "192.0.2.7");
        await _bench.UntilAsync("its address", () => _bench.RowOf(One)!.GuestAddresses is not null);
        Assert.That(Hypervisor.Calls, Has.No.Member($"thaw {One}"));
        await using var next = new ReconcilerBench(Hypervisor, _bench.Time, PlannerBench.Domains);

        next.Order(One, InstanceState.Running);
        await next.UntilAsync("its address", () => next.RowOf(One)?.GuestAddresses is not null);

        Assert.That(Hypervisor.Calls.Count(call => call == $"thaw {One}"), Is.EqualTo(1));
    }
}
