using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks;

namespace PonyCloud.Machine.Network;

/// <summary>Debian's kernel does what the fake does.</summary>
public sealed class NetworkStackTests : NetworkStackContract
{
    private WiredNetwork _wired = null!;

    protected override async Task<INetworkStack> OpenAsync() => (_wired = await WiredNetwork.StartAsync()).Stack;

    protected override Task CloseAsync() => _wired.DisposeAsync().AsTask();

    protected override Task PutForeignBridgeAsync(string name) => _wired.Network.ShellAsync($"ip link add {name} type bridge");
}

/// <summary>Debian's kernel does with bonds and VLANs what the fake does.</summary>
public sealed class NetworkBondTests : NetworkBondContract
{
    private WiredNetwork _wired = null!;

    protected override async Task<INetworkStack> OpenAsync() => (_wired = await WiredNetwork.StartAsync()).Stack;

    protected override Task CloseAsync() => _wired.DisposeAsync().AsTask();
}
