using NUnit.Framework;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>What every hypervisor does, the fake as the real ones.</summary>
[CancelAfter(120_000)]
public abstract class HypervisorContract
{
    private readonly List<Guid> _made = [];

    protected abstract IHypervisor Hypervisor { get; }

    /// <summary>A guest that runs until its power is cut.</summary>
    protected abstract string XmlOf(Guid uuid, string name, int memory);

    protected Guid NewDomain()
    {
        var uuid = Guid.NewGuid();
        _made.Add(uuid);
        return uuid;
    }

    /// <summary>To be called behind each test, as long as the hypervisor is there.</summary>
    protected async Task RemoveDomainsAsync()
    {
        foreach (var uuid in _made)
        {
            foreach (var call in (Func<Guid, CancellationToken, Task>[])[Hypervisor.DestroyAsync, Hypervisor.UndefineAsync])
            {
                try
                {
                    await call(uuid, CancellationToken.None);
                }
                catch (HypervisorException exception)
                    when (exception.Failure is HypervisorFailure.NoSuchDomain or HypervisorFailure.WrongState)
                {
                    TestContext.Out.WriteLine($"Already so: {exception.Message}");
                }
            }
        }
        _made.Clear();
    }

    [Test]
    public async Task A_domain_goes_through_its_life(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();

        await DefineAsync(uuid, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Off));

        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Running));

        await Hypervisor.SuspendAsync(uuid, cancellationToken);
        var paused = await FindAsync(uuid, cancellationToken);
        Assert.That((paused!.State, paused.Reason), Is.EqualTo((DomainState.Paused, DomainReason.PausedByOrder)));

        await Hypervisor.ResumeAsync(uuid, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.State, Is.EqualTo(DomainState.Running));

        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        var off = await FindAsync(uuid, cancellationToken);
        Assert.That((off!.State, off.Reason), Is.EqualTo((DomainState.Off, DomainReason.PowerCut)));

        await Hypervisor.UndefineAsync(uuid, cancellationToken);
        Assert.That(await FindAsync(uuid, cancellationToken), Is.Null);
    }

    [Test]
    public async Task A_scan_shows_what_the_definition_said(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();

        await DefineAsync(uuid, cancellationToken);

        var domain = await FindAsync(uuid, cancellationToken);
        Assert.That((domain!.Name, domain.Vcpu, domain.Memory), Is.EqualTo((NameOf(uuid), 1, 32L)));
        Assert.That(DomainMetadata.Of(domain), Is.EqualTo(new DomainMetadata(uuid, "a shape")));
        Assert.That(await Hypervisor.GetXmlAsync(uuid, cancellationToken), Does.Contain(uuid.ToString()));
    }

    [Test]
    public async Task A_definition_is_replaced_while_the_domain_is_off(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();

        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.DefineAsync(uuid, XmlOf(uuid, NameOf(uuid), 64), cancellationToken);

        Assert.That((await FindAsync(uuid, cancellationToken))!.Memory, Is.EqualTo(64));
    }

    [Test]
    public async Task A_running_domain_keeps_its_shape_until_its_next_start(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);

        await Hypervisor.DefineAsync(uuid, XmlOf(uuid, NameOf(uuid), 64), cancellationToken);

        Assert.That((await FindAsync(uuid, cancellationToken))!.Memory, Is.EqualTo(32));
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        Assert.That((await FindAsync(uuid, cancellationToken))!.Memory, Is.EqualTo(64));
    }

    [Test]
    public async Task A_domain_that_is_not_there_is_refused_by_name(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = Guid.NewGuid();

        foreach (var call in (Func<Task>[])
        [
            () => Hypervisor.StartAsync(uuid, paused: false, cancellationToken),
            () => Hypervisor.SuspendAsync(uuid, cancellationToken),
            () => Hypervisor.ResumeAsync(uuid, cancellationToken),
            () => Hypervisor.ShutdownAsync(uuid, cancellationToken),
            () => Hypervisor.DestroyAsync(uuid, cancellationToken),
            () => Hypervisor.UndefineAsync(uuid, cancellationToken),
            () => Hypervisor.GetXmlAsync(uuid, cancellationToken),
        ])
        {
            Assert.That((await RefusalOfAsync(call)).Failure, Is.EqualTo(HypervisorFailure.NoSuchDomain));
        }
    }

    [Test]
    public async Task Cutting_the_power_of_a_domain_that_is_off_is_the_wrong_state(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();
        await DefineAsync(uuid, cancellationToken);

        var refusal = await RefusalOfAsync(() => Hypervisor.DestroyAsync(uuid, cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(HypervisorFailure.WrongState));
    }

    [Test]
    public async Task A_definition_that_cannot_be_read_is_refused(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();

        var refusal = await RefusalOfAsync(() => Hypervisor.DefineAsync(uuid, "<domain", cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(HypervisorFailure.Failed));
        Assert.That(await FindAsync(uuid, cancellationToken), Is.Null);
    }

    [Test]
    public async Task A_name_is_given_only_once(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var first = NewDomain();
        var second = NewDomain();
        await DefineAsync(first, cancellationToken);

        var refusal = await RefusalOfAsync(
            () => Hypervisor.DefineAsync(second, XmlOf(second, NameOf(first), 32), cancellationToken));

        Assert.That(refusal.Failure, Is.EqualTo(HypervisorFailure.Failed));
    }

    [Test]
    public async Task Events_tell_of_a_domain(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        var uuid = NewDomain();

        await DefineAsync(uuid, cancellationToken);
        await EventAsync(uuid, "defined", cancellationToken);
        await Hypervisor.StartAsync(uuid, paused: false, cancellationToken);
        await EventAsync(uuid, "started", cancellationToken);
        await Hypervisor.DestroyAsync(uuid, cancellationToken);
        await EventAsync(uuid, "stopped", cancellationToken);
        await Hypervisor.UndefineAsync(uuid, cancellationToken);
        await EventAsync(uuid, "undefined", cancellationToken);
    }

    [Test]
    public async Task A_cancelled_call_returns(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        Assert.That(
            async () => await Hypervisor.ScanAsync(cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task A_connection_says_what_it_is_connected_to(CancellationToken cancellationToken)
    {
        await ConnectedAsync(cancellationToken);

        Assert.That(Hypervisor.Connection.Version, Does.Match(@"^\w+ \d+\.\d+\.\d+$"));
        Assert.That(Hypervisor.Connection.Why, Is.Null);
    }

    protected static async Task<HypervisorException> RefusalOfAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (HypervisorException exception)
        {
            return exception;
        }
        throw new AssertionException("The call was not refused.");
    }

    protected static string NameOf(Guid uuid) => $"contract-{uuid}";

    protected static string MetadataOf(Guid uuid) => $"<metadata>{new DomainMetadata(uuid, "a shape").ToXml()}</metadata>";

    protected Task DefineAsync(Guid uuid, CancellationToken cancellationToken) =>
        Hypervisor.DefineAsync(uuid, XmlOf(uuid, NameOf(uuid), 32), cancellationToken);

    protected async Task<ObservedDomain?> FindAsync(Guid uuid, CancellationToken cancellationToken) =>
        (await Hypervisor.ScanAsync(cancellationToken)).Domains.SingleOrDefault(domain => domain.Uuid == uuid);

    protected async Task ConnectedAsync(CancellationToken cancellationToken)
    {
        while (!Hypervisor.Connection.IsConnected)
            await Hypervisor.Events.ReadAsync(cancellationToken);
    }

    protected async Task EventAsync(Guid uuid, string what, CancellationToken cancellationToken)
    {
        while (await Hypervisor.Events.ReadAsync(cancellationToken) != new HypervisorEvent.DomainChanged(uuid, what))
        {
        }
    }
}
