using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Network;

/// <summary>What the cables of a test are.</summary>
public enum CableKind
{
    /// <summary>Pairs of virtual devices. When one is pulled, either end knows.</summary>
    Veth,

    /// <summary>Network cards on hubs, with a driver and an address of their own. When one is pulled, only the machine knows.</summary>
    Card,
}

/// <summary>Two cables between the machine, in its own namespace, and a neighbour in another.</summary>
internal sealed class Cabling : IAsyncDisposable
{
    private readonly CableKind _kind;

    private Cabling(CableKind kind, NetworkNamespace neighbour) => (_kind, Neighbour) = (kind, neighbour);

    public NetworkNamespace Neighbour { get; }

    /// <summary>The devices at the machine's end.</summary>
    public string[] Here { get; private set; } = [];

    /// <summary>The devices at the neighbour's end, in the same order.</summary>
    public string[] There { get; private set; } = [];

    /// <summary>The machine's address on the first of them, which is a card's own.</summary>
    public string Address { get; private set; } = string.Empty;

    public static async Task<Cabling> LayAsync(CableKind kind)
    {
        var cabling = new Cabling(kind, await NetworkNamespace.StartAsync());
        try
        {
            await cabling.LayAsync();
            return cabling;
        }
        catch
        {
            await cabling.DisposeAsync();
            throw;
        }
    }

    /// <summary>Pulls a cable out, or plugs it in again.</summary>
    public Task PlugAsync(int number, bool plugged) => _kind == CableKind.Card
        ? MachineMonitor.PlugAsync(MachineCards.AddressOf(number, 0), plugged)
        : Ip.RunAsync(Neighbour, $"link set dev {There[number]} {(plugged ? "up" : "down")}");

    public async ValueTask DisposeAsync()
    {
        if (_kind == CableKind.Card)
        {
            foreach (var card in MachineCards.All)
                await MachineMonitor.PlugAsync(card.Address, plugged: true);
            await Neighbour.DisposeAsync();
            await MachineCards.AreBackAsync();
            return;
        }

        // With both ends, before the kernel gets around to it.
        foreach (var end in Here)
            await ChildProcess.RunAsync("ip", ["link", "delete", "dev", end]);
        await Neighbour.DisposeAsync();
    }

    private async Task LayAsync()
    {
        string[] here = ["a0", "a1"];
        string[] there = ["b0", "b1"];
        if (_kind == CableKind.Card)
        {
            for (var pair = 0; pair < here.Length; pair++)
            {
                here[pair] = await MachineCards.FindAsync(MachineCards.AddressOf(pair, 0));
                there[pair] = await MachineCards.FindAsync(MachineCards.AddressOf(pair, 1));
            }
        }
        else
        {
            await Ip.RunAsync(null, here.Zip(there, (one, other) => $"link add dev {one} type veth peer name {other}"));
        }

        Here = here;
        There = there;
        foreach (var end in there)
            await Neighbour.TakeAsync(end);
        await Ip.RunAsync(Neighbour, there.Select(end => $"link set dev {end} up"));
        Address = (string)(await Ip.ShowAsync(here[0]))["address"]!;
    }
}
