using System.Net;
using System.Net.Sockets;
using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Machine.Network;

/// <summary>The filter of a bridge knows connections.</summary>
public sealed class BridgeConntrackTests
{
    [Test]
    public async Task Answers_pass_where_questions_do_not()
    {
        await using var asking = await NetworkNamespace.StartAsync();
        await using var asked = await NetworkNamespace.StartAsync();
        await Ip.RunAsync(null, "link add dev switch type bridge", "link set dev switch up");
        try
        {
            await PlugInAsync(asking, "asking", "10.8.0.1");
            await PlugInAsync(asked, "asked", "10.8.0.2");
            await ChildProcess.RunAsync("nft", [Filter]);

            Assert.That(await AskAsync(asking, "10.8.0.1", asked, "10.8.0.2"), Is.True, "an answer to a question that may be asked");
            Assert.That(await CountAsync("answers"), Is.Positive);
            Assert.That(await CountAsync("refused"), Is.Zero);
            Assert.That(await AskAsync(asked, "10.8.0.2", asking, "10.8.0.1"), Is.False, "an answer to one that may not");
            Assert.That(await CountAsync("refused"), Is.Positive);
        }
        finally
        {
            await ChildProcess.RunAsync("nft", ["flush ruleset"]);
            await Ip.RunAsync(null, "link delete dev asking", "link delete dev asked", "link delete dev switch");
        }

        Assert.That(Directory.Exists("/sys/module/nf_conntrack_bridge"));
    }

    // Whoever is asked may only answer. What is no IP, such as ARP, belongs to no connection. Counted are the questions of the test,
    // and not what kernels tell each other.
    private const string Filter = """
        table bridge filter {
          counter answers { }
          counter refused { }
          chain forward {
            type filter hook forward priority 0; policy drop;
            ether type arp accept
            ct state established,related counter name answers accept
            iifname asking ct state new accept
            ip protocol udp counter name refused
          }
        }
        """;

    private static async Task PlugInAsync(NetworkNamespace host, string name, string address)
    {
        await Ip.RunAsync(null, $"link add dev {name} type veth peer name {name}.x");
        await host.TakeAsync($"{name}.x");
        await Ip.RunAsync(host, $"address add {address}/24 dev {name}.x", $"link set dev {name}.x up");
        await Ip.RunAsync(null, $"link set dev {name} master switch", $"link set dev {name} up");
    }

    // One packet there and one back. What is refused is counted before the time is over, and that is what shows it.
    private static async Task<bool> AskAsync(NetworkNamespace from, string fromAddress, NetworkNamespace to, string toAddress)
    {
        using var asking = from.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        using var asked = to.Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        asking.Bind(new IPEndPoint(IPAddress.Parse(fromAddress), 0));
        asked.Bind(new IPEndPoint(IPAddress.Parse(toAddress), 7));
        var refused = await CountAsync("refused");
        using var over = new CancellationTokenSource();

        var answered = AnsweredAsync();
        await asking.SendToAsync(new byte[1], asked.LocalEndPoint!);
        await Eventually.SeesAsync(
            "an answer or a refusal", async _ => answered.IsCompleted || await CountAsync("refused") > refused, seen => seen);
        await over.CancelAsync();
        return await answered;

        async Task<bool> AnsweredAsync()
        {
            try
            {
                var question = await asked.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0), over.Token);
                await asked.SendToAsync(new byte[1], question.RemoteEndPoint, over.Token);
                await asking.ReceiveFromAsync(new byte[1], new IPEndPoint(IPAddress.Any, 0), over.Token);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private static async Task<int> CountAsync(string counter)
    {
        var shown = await ChildProcess.RunAsync("nft", ["list", "counter", "bridge", "filter", counter]);
        return int.Parse(shown.Split("packets ")[1].Split(' ')[0]);
    }
}
