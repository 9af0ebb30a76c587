using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Routing;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Routing;

public sealed class FakeRoutersTests : RoutersContract
{
    private FakeRouters _routers = null!;

    protected override IRouters Routers => _routers;

    [SetUp]
    public void Make()
    {
        _routers = new FakeRouters();
        _routers.SetNamespace(Missing, isThere: false);
    }

    protected override Task<IReadOnlyCollection<string>> AnsweredAsync() =>
        Task.FromResult<IReadOnlyCollection<string>>([.. _routers.Answered.Where(one => one.Link == Link).Select(one => one.Address)]);

    protected override Task<bool> HasHostRulesAsync() => Task.FromResult(_routers.HostRules is not null);

    protected override Task<bool> HasNamespaceRulesAsync() => Task.FromResult(_routers.NamespaceRules.ContainsKey(Switch));

    protected override Task RemoveNamespaceAsync() => SetAsync(isThere: false);

    protected override Task MakeNamespaceAsync() => SetAsync(isThere: true);

    private Task SetAsync(bool isThere)
    {
        _routers.SetNamespace(Switch, isThere);
        return Task.CompletedTask;
    }
}

public sealed class NftRoutersTests : RoutersContract
{
    private NetworkNamespace _host = null!;
    private AddressAnnouncer _announcer = null!;
    private NftRouters _routers = null!;

    protected override IRouters Routers => _routers;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await NetworkNamespace.StartAsync(hasNames: true);
        await _host.RunAsync("ip", "link", "add", Link, "type", "bridge");
        await _host.RunAsync("ip", "link", "set", "dev", Link, "up");
        await MakeNamespaceAsync();
        _announcer = _host.Make(AddressAnnouncer.Open);
        var tools = _host.Tools(new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance));
        _routers = new NftRouters(tools, _announcer, TimeProvider.System, NullLogger<NftRouters>.Instance);
    }

    [TearDown]
    public async Task StopAsync()
    {
        _announcer.Dispose();
        await _host.DisposeAsync();
    }

    protected override async Task<IReadOnlyCollection<string>> AnsweredAsync() =>
        [.. (await _host.RunAsync("ip", "neighbour", "show", "proxy", "dev", Link)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0])];

    protected override async Task<bool> HasHostRulesAsync() =>
        (await _host.RunAsync("nft", "list", "tables")).Contains(RoutingRules.HostTable, StringComparison.Ordinal);

    protected override async Task<bool> HasNamespaceRulesAsync() =>
        (await _host.RunAsync("ip", "netns", "exec", LinkNames.Namespace(Switch), "nft", "list", "tables")).Contains(RoutingRules.NamespaceTable, StringComparison.Ordinal);

    protected override Task RemoveNamespaceAsync() => _host.RunAsync("ip", "netns", "delete", LinkNames.Namespace(Switch));

    protected override Task MakeNamespaceAsync() => _host.RunAsync("ip", "netns", "add", LinkNames.Namespace(Switch));
}
