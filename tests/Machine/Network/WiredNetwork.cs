using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Network;
using PonyCloud.Twilight.Networks.Links;

namespace PonyCloud.Machine.Network;

/// <summary>A host's network on this kernel, with pairs of virtual devices for cards.</summary>
internal sealed class WiredNetwork(PrivateNetwork network) : IAsyncDisposable
{
    public PrivateNetwork Network => network;

    public IpNetworkStack Stack { get; } = new(network.Tools, network.Tools, TimeProvider.System, NullLogger<IpNetworkStack>.Instance);

    public static async Task<WiredNetwork> StartAsync()
    {
        var network = await PrivateNetwork.StartAsync();
        await network.ShellAsync("for i in 0 1; do ip link add wire$i type veth peer name far$i; ip link set dev far$i up; done");
        return new WiredNetwork(network);
    }

    public async ValueTask DisposeAsync()
    {
        await Stack.DisposeAsync();
        await network.DisposeAsync();
    }
}
