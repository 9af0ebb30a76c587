using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>The fake is a network stack.</summary>
public sealed class FakeNetworkStackTests : NetworkStackContract
{
    private FakeNetworkStack _fake = new();

    protected override Task<INetworkStack> OpenAsync()
    {
        _fake = new FakeNetworkStack();
        foreach (var name in new[] { "wire0", "wire1" })
        {
            _fake.Put(new Link
            {
                Name = name,
                Kind = LinkKind.Card,
                HardwareAddress = "52:54:00:00:00:01",
                Mtu = 1500,
                IsUp = false,
                Master = "",
            });
        }
        return Task.FromResult<INetworkStack>(_fake);
    }

    protected override Task CloseAsync() => Task.CompletedTask;

    protected override Task PutForeignBridgeAsync(string name)
    {
        _fake.Put(new Link
        {
            Name = name,
            Kind = LinkKind.Bridge,
            Mtu = 1500,
            IsUp = false,
            Master = "",
        });
        return Task.CompletedTask;
    }
}

/// <summary>The kernel by iproute2 is a network stack.</summary>
public sealed class IpNetworkStackTests : NetworkStackContract
{
    private (PrivateNetwork Network, IpNetworkStack Stack) _open;

    protected override async Task<INetworkStack> OpenAsync()
    {
        var network = await PrivateNetwork.StartAsync();
        // A cable to nowhere stands in for a card; its other end is up, so that a card that is up has a carrier.
        await network.ShellAsync(
            "for i in 0 1; do ip link add wire$i type veth peer name far$i; ip link set dev far$i up; done");
        _open = (network, new IpNetworkStack(network.Tools, network.Tools, TimeProvider.System, NullLogger<IpNetworkStack>.Instance));
        return _open.Stack;
    }

    protected override async Task CloseAsync()
    {
        await _open.Stack.DisposeAsync();
        await _open.Network.DisposeAsync();
    }

    protected override Task PutForeignBridgeAsync(string name) => _open.Network.ShellAsync($"ip link add {name} type bridge");
}

/// <summary>The fake does with bonds and VLANs what a network stack does; the kernel does so in a virtual machine.</summary>
public sealed class FakeNetworkBondTests : NetworkBondContract
{
    protected override Task<INetworkStack> OpenAsync()
    {
        var fake = new FakeNetworkStack();
        foreach (var (name, address) in new[] { ("wire0", "52:54:00:00:00:01"), ("wire1", "52:54:00:00:00:02") })
        {
            fake.Put(new Link
            {
                Name = name,
                Kind = LinkKind.Card,
                HardwareAddress = address,
                PermanentAddress = address,
                Mtu = 1500,
                IsUp = false,
                Master = "",
            });
        }
        return Task.FromResult<INetworkStack>(fake);
    }

    protected override Task CloseAsync() => Task.CompletedTask;
}
