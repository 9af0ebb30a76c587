using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>What every hypervisor does that can restart guests and keeps marks.</summary>
public abstract class HypervisorRestartContract : HypervisorContract
{
    /// <summary>A guest that does what it is asked to; others never do.</summary>
    protected abstract string XmlOfObedient(Guid uuid);

    /// <summary>Completes when the guest has come so far that it can be asked something.</summary>
    protected abstract Task BootedAsync(CancellationToken cancellationToken);

    [Test]
    public async Task A_guest_that_is_reset_begins_anew_and_is_seen_to(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        var before = (await FindAsync(uuid, cancellationToken))!.Restarts;

        await Hypervisor.ResetAsync(uuid, cancellationToken);

        await EventAsync(uuid, "restarted", cancellationToken);
        var after = (await FindAsync(uuid, cancellationToken))!;
        Assert.That((after.State, after.Restarts), Is.EqualTo((DomainState.Running, before + 1)));
    }

    [Test]
    public async Task A_paused_guest_that_is_reset_stays_paused(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: true, cancellationToken);

        await Hypervisor.ResetAsync(uuid, cancellationToken);

        await EventAsync(uuid, "restarted", cancellationToken);
        var after = (await FindAsync(uuid, cancellationToken))!;
        Assert.That((after.State, after.Reason), Is.EqualTo((DomainState.Paused, DomainReason.PausedByOrder)));
    }

    [Test]
    public async Task A_guest_that_is_asked_to_restart_does_so_without_going_off(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await Hypervisor.DefineAsync(uuid, XmlOfObedient(uuid), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await BootedAsync(cancellationToken);

        do
        {
            // The guest needs a moment behind its line until it looks at the button.
            await Hypervisor.RebootAsync(uuid, cancellationToken);
        }
        while (!await IsToldWithinASecondAsync(uuid, "restarted", cancellationToken));

        Assert.That((await FindAsync(uuid, cancellationToken))!.Restarts, Is.Positive);
        await Eventually.SeesAsync(
            "it runs", async _ => (await FindAsync(uuid, cancellationToken))!.State, state => state == DomainState.Running);
    }

    [Test]
    public async Task A_domain_that_is_off_cannot_be_restarted(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);

        Assert.That((await RefusalOfAsync(() => Hypervisor.ResetAsync(uuid, cancellationToken))).Failure, Is.EqualTo(HypervisorFailure.WrongState));
        Assert.That((await RefusalOfAsync(() => Hypervisor.RebootAsync(uuid, cancellationToken))).Failure, Is.EqualTo(HypervisorFailure.WrongState));
    }

    [Test]
    public async Task A_mark_is_replaced_on_and_off_and_stays(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        var marks = Enumerable.Range(1, 3).Select(count => new DomainMetadata(uuid, "a shape") { Fields = "a=<\"&", Resets = count, Reboots = 7 }).ToArray();

        await Hypervisor.SetMarkAsync(marks[0], cancellationToken);
        Assert.That(await MarkAsync(uuid, cancellationToken), Is.EqualTo(marks[0]), "off");
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await Hypervisor.SetMarkAsync(marks[1], cancellationToken);
        await Hypervisor.SetMarkAsync(marks[2], cancellationToken);
        Assert.That(await MarkAsync(uuid, cancellationToken), Is.EqualTo(marks[2]), "on");
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        Assert.That(await MarkAsync(uuid, cancellationToken), Is.EqualTo(marks[2]), "off again");
    }

    [Test]
    public async Task A_running_domain_gets_processors_up_to_its_maximum(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await Hypervisor.DefineAsync(
            uuid, XmlOf(uuid, NameOf(uuid), 32).Replace("<vcpu>1</vcpu>", "<vcpu current='1'>3</vcpu>", StringComparison.Ordinal), cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.Vcpu, Is.EqualTo(1));

        await Hypervisor.SetVcpusAsync(uuid, 3, cancellationToken);

        Assert.That((await FindAsync(uuid, cancellationToken))!.Vcpu, Is.EqualTo(3));
        Assert.That((await RefusalOfAsync(() => Hypervisor.SetVcpusAsync(uuid, 4, cancellationToken))).Failure, Is.EqualTo(HypervisorFailure.Failed));
    }

    [Test]
    public async Task Domains_that_are_on_tell_what_they_have_used(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var (on, off) = (NewDomain(), NewDomain());
        await DefineAsync(on, cancellationToken);
        await DefineAsync(off, cancellationToken);
        await Hypervisor.StartAsync(on, paused: false, cancellationToken);

        var statistics = await Hypervisor.ReadStatisticsAsync(cancellationToken);

        Assert.That(statistics.Select(domain => domain.Uuid), Does.Contain(on).And.Not.Contain(off));
        var seen = statistics.Single(domain => domain.Uuid == on);
        Assert.That((seen.Name, seen.Memory), Is.EqualTo((NameOf(on), 32UL << 20)));
    }

    protected async Task<bool> IsToldWithinASecondAsync(Guid uuid, string what, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            await EventAsync(uuid, what, limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<DomainMetadata?> MarkAsync(Guid uuid, CancellationToken cancellationToken) =>
        DomainMetadata.Of((await FindAsync(uuid, cancellationToken))!);
}
