using NUnit.Framework;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Reconciliation;
using PonyCloud.Twilight.Tests.Inventory;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class OutOfMemoryTests
{
    private static readonly Guid One = Guid.NewGuid();
    private static readonly Guid Two = Guid.NewGuid();

    private FakeMachine _machine = null!;
    private OutOfMemory _memory = null!;

    [SetUp]
    public void Make()
    {
        _machine = new FakeMachine();
        _memory = new OutOfMemory(_machine.Roots.Proc);
    }

    [TearDown]
    public void Dispose() => _machine.Dispose();

    [Test]
    public void What_crashed_while_the_kernel_killed_for_want_of_memory_is_said_to_be_killed_so()
    {
        Killed(3);
        Assert.That(Causes((One, false), (Two, true)), Is.EqualTo([DomainCause.None, DomainCause.None]), "before the first look nobody knows");
        Killed(4);
        Assert.That(Causes((One, true), (Two, true)), Is.EqualTo([DomainCause.HostOutOfMemory, DomainCause.None]));
        Assert.That(Causes((One, true), (Two, true)), Is.EqualTo([DomainCause.HostOutOfMemory, DomainCause.None]), "and stays so");
        Assert.That(Causes((One, false), (Two, false)), Is.EqualTo([DomainCause.None, DomainCause.None]));
        Assert.That(Causes((One, true), (Two, false)), Is.EqualTo([DomainCause.None, DomainCause.None]), "this one was no kill");
    }

    [Test]
    public void Where_the_kernel_does_not_count_nothing_is_said() => Assert.That(Causes((One, true)), Is.EqualTo([DomainCause.None]));

    private void Killed(int times) => _machine.Write("proc/vmstat", $"nr_free_pages 1\noom_kill {times}\n");

    private DomainCause[] Causes(params (Guid Uuid, bool HasCrashed)[] domains) =>
    [
        .. _memory.Explain(new DomainScan([.. domains.Select(domain => new ObservedDomain
        {
            Uuid = domain.Uuid,
            Name = "web",
            State = domain.HasCrashed ? DomainState.Off : DomainState.Running,
            Reason = domain.HasCrashed ? DomainReason.Crashed : DomainReason.Other,
        })], new HashSet<Guid>())).Domains.Select(domain => domain.Cause),
    ];
}
