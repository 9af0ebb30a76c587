using Newtonsoft.Json.Linq;
using NUnit.Framework;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// QEMU's monitor, from inside of a virtual machine with network cards: what a hand at the machine's back would do. Speaks QMP over
/// the port <c>monitor</c>.
/// </summary>
public static class MachineMonitor
{
    private const string Port = "/dev/virtio-ports/monitor";

    /// <summary>Pulls the cable out of a card, which has no carrier then, or plugs it in. The other cards of its hub notice nothing.</summary>
    /// <param name="address">The card's own address.</param>
    public static async Task PlugAsync(string address, bool plugged)
    {
        await using var stream = new FileStream(Port, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using var reader = new StreamReader(stream);
        await using var writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\n" };
        // Refused as known already to all but the first that asks.
        await AskAsync(reader, writer, "qmp_capabilities", []);
        var answer = await AskAsync(
            reader, writer, "set_link", new JObject { ["name"] = MachineCard.Id(address), ["up"] = plugged });
        if (answer["error"] is { } error)
            throw new AssertionException($"The cable of {address} could not be moved: {error["desc"]}");
    }

    private static async Task<JObject> AskAsync(StreamReader reader, StreamWriter writer, string command, JObject arguments)
    {
        var id = Guid.NewGuid().ToString();
        var question = new JObject { ["execute"] = command, ["arguments"] = arguments, ["id"] = id };
        await writer.WriteLineAsync(question.ToString(Newtonsoft.Json.Formatting.None));
        // Between them are its greeting and its events.
        while (await reader.ReadLineAsync() is { } line)
        {
            var answer = JObject.Parse(line);
            if ((string?)answer["id"] == id)
                return answer;
        }

        throw new AssertionException("QEMU's monitor is closed.");
    }
}
