using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

public sealed class FakeSwitchServicesTests : SwitchServicesContract
{
    private FakeSwitchServices _services = null!;

    protected override ISwitchServices Services => _services;

    [SetUp]
    public void Make() => _services = new FakeSwitchServices();

    protected override Task<bool> AnswersAsync(string name) => Task.FromResult(_services.Answers(Switch, name));

    protected override Task RemoveNamespaceAsync() => SetAsync(isThere: false);

    protected override Task MakeNamespaceAsync() => SetAsync(isThere: true);

    private Task SetAsync(bool isThere)
    {
        _services.SetNamespace(Switch, isThere);
        return Task.CompletedTask;
    }
}

public sealed class RealSwitchServicesTests : SwitchServicesContract
{
    private SwitchRig _rig = null!;
    private DnsmasqServices _services = null!;

    protected override ISwitchServices Services => _services;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await SwitchRig.StartAsync(Switch, Own + "/24");
        _services = _rig.Services();
    }

    [TearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    protected override async Task<bool> AnswersAsync(string name)
    {
        var said = await _rig.Host.RunAsync(
            "ip", "netns", "exec", LinkNames.Namespace(Switch), "sh", "-c", $"timeout 10 busybox nslookup {name} {Own} 2>&1 || true");
        return said.Contains("10.7.0.10", StringComparison.Ordinal);
    }

    protected override Task RemoveNamespaceAsync() => _rig.RemoveNamespaceAsync();

    protected override Task MakeNamespaceAsync() => _rig.MakeNamespaceAsync(Own + "/24");
}
