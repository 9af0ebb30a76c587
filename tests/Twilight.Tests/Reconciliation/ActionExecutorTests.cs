using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class ActionExecutorTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Two = Guid.Parse("00000000-0000-0000-0000-000000000002");

    private FakeHypervisor _hypervisor = null!;
    private ActionExecutor _executor = null!;
    private SemaphoreSlim _ended = null!;

    [SetUp]
    public void Make()
    {
        _ended = new SemaphoreSlim(0);
        _hypervisor = new FakeHypervisor();
        _executor = new ActionExecutor(_hypervisor, [], new FakeMigrations(_hypervisor), () => _ended.Release(), NullLogger<ActionExecutor>.Instance);
    }

    [TearDown]
    public async Task DisposeAsync()
    {
        await _executor.DisposeAsync();
        await _hypervisor.DisposeAsync();
        _ended.Dispose();
    }

    [Test]
    public async Task An_action_is_carried_out_and_collected()
    {
        var start = StartOf(One);
        _executor.Carry([start]);

        Assert.That(await CollectAsync(), Is.EqualTo((ActionOutcome[])[new(start, ActionEnd.Done)]));
        Assert.That(_hypervisor.Domains[One].State, Is.EqualTo(DomainState.Running));
        Assert.That(_executor.InFlight, Is.Empty);
    }

    [Test]
    public async Task An_action_that_is_still_planned_goes_on()
    {
        var gate = _hypervisor.Hold("start", One);
        _executor.Carry([StartOf(One)]);
        await gate.Arrived;
        _executor.Carry([StartOf(One)]);
        gate.Open();

        Assert.That((await CollectAsync()).Single().End, Is.EqualTo(ActionEnd.Done));
        Assert.That(_hypervisor.Calls, Is.EqualTo((string[])[$"define {One}", $"start {One}"]));
    }

    [Test]
    public async Task A_start_that_is_withdrawn_ends_at_once_and_loses_its_power()
    {
        var gate = _hypervisor.Hold("start", One);
        _executor.Carry([StartOf(One)]);
        await gate.Arrived;

        _executor.Carry([new InstanceAction.PowerOff(One)]);

        Assert.That((await CollectAsync()).Single(), Is.EqualTo(new ActionOutcome(StartOf(One), ActionEnd.Withdrawn)));
        Assert.That(_hypervisor.Calls[^1], Is.EqualTo($"destroy {One}"));
        Assert.That(_hypervisor.Domains[One].State, Is.EqualTo(DomainState.Off));
    }

    [Test]
    public async Task Another_action_for_the_same_instance_waits_until_the_first_was_collected()
    {
        var gate = _hypervisor.Hold("define", One);
        _executor.Carry([new InstanceAction.Define(DefinitionOf(One))]);
        await gate.Arrived;
        _executor.Carry([StartOf(One)]);
        Assert.That(_executor.InFlight[One], Is.InstanceOf<InstanceAction.Define>());

        Assert.That((await CollectAsync()).Single().End, Is.EqualTo(ActionEnd.Withdrawn));
        gate.Open();
        _executor.Carry([StartOf(One)]);

        Assert.That((await CollectAsync()).Single(), Is.EqualTo(new ActionOutcome(StartOf(One), ActionEnd.Done)));
    }

    [Test]
    public async Task Instances_do_not_wait_for_each_other()
    {
        var gate = _hypervisor.Hold("start", One);
        _executor.Carry([StartOf(One), StartOf(Two)]);
        await gate.Arrived;

        Assert.That((await CollectAsync()).Single().Action.Instance, Is.EqualTo(Two));
        Assert.That(_executor.InFlight.Keys, Is.EqualTo((Guid[])[One]));
        gate.Open();
        Assert.That((await CollectAsync()).Single().Action.Instance, Is.EqualTo(One));
    }

    [Test]
    public async Task A_failure_keeps_its_words()
    {
        _hypervisor.Fail("start", One, "no room");
        _executor.Carry([StartOf(One)]);

        Assert.That((await CollectAsync()).Single(), Is.EqualTo(new ActionOutcome(StartOf(One), ActionEnd.Failed, "no room")));
    }

    [Test]
    public async Task Cutting_the_power_or_removing_what_is_off_or_gone_is_done()
    {
        _executor.Carry([new InstanceAction.PowerOff(One), new InstanceAction.Remove(Two)]);

        var outcomes = (await CollectAsync()).Concat(await CollectAsync()).ToList();

        Assert.That(outcomes.Select(outcome => outcome.End), Is.All.EqualTo(ActionEnd.Done));
    }

    [Test]
    public async Task When_the_agent_ends_a_start_in_flight_keeps_its_power()
    {
        var gate = _hypervisor.Hold("start", One);
        _executor.Carry([StartOf(One)]);
        await gate.Arrived;

        await _executor.DisposeAsync();
        gate.Open();
        while (await _hypervisor.Events.ReadAsync() != new HypervisorEvent.CallSettled(One))
        {
        }

        Assert.That(_hypervisor.Domains[One].State, Is.EqualTo(DomainState.Running));
        Assert.That(_hypervisor.Calls, Has.None.Contains("destroy"));
    }

    private static DomainDefinition DefinitionOf(Guid instance) => DomainXml.For(
        new() { Uuid = instance, Tenant = Guid.Empty, Name = "web", Mem = 64 }, null, [], [], PlannerBench.Domains);

    private static InstanceAction.Start StartOf(Guid instance) => new InstanceAction.Start(DefinitionOf(instance), Paused: false);

    private async Task<IReadOnlyList<ActionOutcome>> CollectAsync()
    {
        Assert.That(await _ended.WaitAsync(TimeSpan.FromSeconds(30)), Is.True, "an action ends");
        return _executor.Collect();
    }
}
