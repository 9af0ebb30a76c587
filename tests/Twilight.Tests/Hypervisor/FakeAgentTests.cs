using NUnit.Framework;
using PonyCloud.TestKit.Hypervisor;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.Twilight.Tests.Hypervisor;

public sealed class FakeAgentTests : GuestAgentContract
{
    private FakeHypervisor _fake = null!;

    protected override IHypervisor Hypervisor => _fake;

    [SetUp]
    public void Make() => _fake = new FakeHypervisor { GuestsHaveAgents = true };

    [TearDown]
    public async Task EndAsync() => await _fake.DisposeAsync();

    protected override async Task StartAsync(Guid uuid, CancellationToken cancellationToken)
    {
        await DefineWithoutAsync(uuid, cancellationToken);
        await _fake.StartAsync(uuid, paused: false, cancellationToken);
        _fake.SetAgent(uuid, Address);
    }

    protected override Task DefineWithoutAsync(Guid uuid, CancellationToken cancellationToken) => _fake.DefineAsync(
        uuid, $"<domain><name>{uuid}</name><uuid>{uuid}</uuid><memory>32</memory><vcpu>1</vcpu><devices></devices></domain>", cancellationToken);
}
