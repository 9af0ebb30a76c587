using Newtonsoft.Json.Linq;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Network;

/// <summary>iproute2, in the machine's own namespace or in another.</summary>
internal static class Ip
{
    /// <summary>Runs commands one after another, as far as the first that fails.</summary>
    /// <param name="place">Where; null for the machine's own namespace.</param>
    /// <param name="commands">Each without the leading <c>ip</c>.</param>
    public static Task RunAsync(NetworkNamespace? place, params IEnumerable<string> commands) =>
        AskAsync(place, "sh", ["-c", "printf '%s\\n' \"$@\" | ip -batch -", "sh", .. commands]);

    /// <summary>All devices with everything that is known of them.</summary>
    public static async Task<IReadOnlyList<JObject>> ShowAsync(NetworkNamespace? place = null) =>
        [.. JArray.Parse(await AskAsync(place, "ip", ["-json", "-details", "-stats", "link", "show"])).Cast<JObject>()];

    /// <summary>One device.</summary>
    public static async Task<JObject> ShowAsync(string device, NetworkNamespace? place = null) =>
        (JObject)JArray.Parse(await AskAsync(place, "ip", ["-json", "-details", "-stats", "link", "show", "dev", device])).Single();

    /// <summary>Waits until a device is like that.</summary>
    public static Task<JObject> SeesAsync(string what, string device, Func<JObject, bool> holds, NetworkNamespace? place = null) =>
        Eventually.SeesAsync(what, _ => ShowAsync(device, place), holds);

    /// <summary>Whether a device has a signal from its other end.</summary>
    public static bool HasCarrier(JObject link) => link["flags"]!.Values<string>().Contains("LOWER_UP");

    private static Task<string> AskAsync(NetworkNamespace? place, string program, string[] arguments) =>
        place is null ? ChildProcess.RunAsync(program, arguments) : place.RunAsync(program, arguments);
}
