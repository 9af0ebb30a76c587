using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Network;

/// <summary>
/// The network cards that the machine is given: two pairs, and a hub for each pair. The first card of a pair stays with the machine,
/// the second goes to whoever plays its neighbour.
/// </summary>
public static class MachineCards
{
    public static IReadOnlyList<MachineCard> All { get; } =
        [.. from pair in Enumerable.Range(0, 2) from end in Enumerable.Range(0, 2) select new MachineCard(AddressOf(pair, end), pair)];

    /// <summary>A card's own address.</summary>
    public static string AddressOf(int pair, int end) => $"52:54:00:00:{pair:x2}:{end:x2}";

    /// <summary>The device that a card is, by whatever name.</summary>
    internal static async Task<string> FindAsync(string address) =>
        (await NamesAsync()).TryGetValue(address, out var name)
            ? name
            : throw new InvalidOperationException($"The machine has no card {address}.");

    /// <summary>Waits until all are the machine's own again, as they are some time after a namespace ended that had them.</summary>
    internal static Task AreBackAsync() => Eventually.SeesAsync(
        "the network cards", async _ => (await NamesAsync()).Keys, names => All.All(card => names.Contains(card.Address)));

    // A card that goes by another address shows its own beside it.
    private static async Task<Dictionary<string, string>> NamesAsync() =>
        (await Ip.ShowAsync()).Where(link => link["parentdev"] is not null).ToDictionary(
            link => (string?)link["permaddr"] ?? (string)link["address"]!, link => (string)link["ifname"]!);
}
