using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Network;

namespace PonyCloud.Machine.Network;

/// <summary>A bond, as a test makes it by hand.</summary>
internal sealed class Bond : IAsyncDisposable
{
    public const string Name = "bond0";

    private readonly NetworkNamespace? _place;

    private Bond(NetworkNamespace? place) => _place = place;

    /// <param name="place">Where; null for the machine's own namespace.</param>
    /// <param name="options">As iproute2 takes them, from <c>mode</c> on.</param>
    /// <param name="hardware">Its address among the cards; without, udev gives it one in the machine's own namespace, some time later.</param>
    /// <param name="address">Its address and the length of the prefix.</param>
    /// <param name="cards">The devices that it has.</param>
    public static async Task<Bond> MakeAsync(
        NetworkNamespace? place, string options, string hardware, string address, params IEnumerable<string> cards)
    {
        var bond = new Bond(place);
        await Ip.RunAsync(place, $"link add dev {Name} address {hardware} type bond {options}");
        try
        {
            // One that is up cannot be taken.
            await Ip.RunAsync(
                place, cards.SelectMany(card => new[] { $"link set dev {card} down", $"link set dev {card} master {Name}" }));
            await Ip.RunAsync(place, $"link set dev {Name} up", $"address add {address} dev {Name}");
            return bond;
        }
        catch
        {
            await bond.DisposeAsync();
            throw;
        }
    }

    /// <summary>What the kernel says of it as a bond.</summary>
    public async Task<JObject> InfoAsync() => (JObject)(await Ip.ShowAsync(Name, _place))["linkinfo"]!["info_data"]!;

    /// <summary>What the kernel says of a card as part of a bond; null when it is in none.</summary>
    public static JObject? PartInfo(JObject card) => (JObject?)card["linkinfo"]?["info_slave_data"];

    /// <summary>Whether a card of an aggregate sends and receives.</summary>
    public static bool Distributes(JObject card) =>
        PartInfo(card)?["ad_actor_oper_port_state_str"] is JArray state
        && state.Values<string>().Intersect(["collecting", "distributing"]).Count() == 2;

    public async ValueTask DisposeAsync() => await Ip.RunAsync(_place, $"link delete dev {Name}");
}
