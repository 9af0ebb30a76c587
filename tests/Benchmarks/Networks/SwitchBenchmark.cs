using System.Diagnostics;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Sparkle.Networks;
using PonyCloud.TestKit.Control;

namespace PonyCloud.Benchmarks.Networks;

/// <summary>
/// A switch over 200 hosts: what it costs the controller and the agents that a card on it gets another address, from the commit until
/// each host has the row, in one process and on one thread. Beside it the bare messages of that change: encoded and decoded.
/// </summary>
internal sealed class SwitchBenchmark
{
    private const int Hosts = 200;
    private const int Rounds = 11;

    private static readonly int[] Sizes = [200, 1_000, 2_000];
    private static readonly Guid Switch = Numbered(9, 0);
    private static readonly Guid Network = Numbered(8, 0);

    private readonly SimulatedPlatform _platform = new(() => [new SwitchPorts(new NetworkRows(SimulatedPlatform.Catalog))]);
    private readonly int _ports;

    private SwitchBenchmark(int ports)
    {
        _ports = ports;
        var hosts = Enumerable.Range(0, Hosts).Select(_ => _platform.AddHost().Uuid).ToList();
        _platform.Run();
        _platform.CommitAll([
            new SwitchDesired { Uuid = Switch, Name = "lan" },
            new NetworkDesired { Uuid = Network, Switch = Switch, Range = "10.0.0.0/8" },
            .. Enumerable.Range(0, ports).SelectMany(number => Plugged(hosts[number % Hosts], number)),
        ]);
        _platform.Run();
    }

    public static IEnumerable<ResultLine> Run()
    {
        foreach (var ports in Sizes)
            yield return new SwitchBenchmark(ports).Measure();
    }

    private Result Measure()
    {
        var codec = new MessageCodec(SimulatedPlatform.Catalog);
        List<double> ours = [], bare = [];
        for (var round = 0; round <= Rounds; round++)
        {
            var heard = _platform.Hosts.Sum(host => host.Heard.Count);
            ours.Add(Time(() =>
            {
                _platform.CommitAll(new AddressDesired { Uuid = Numbered(7, 0), Network = Network, Vnic = Numbered(3, round % _ports), Ip = $"10.1.0.{round + 1}" });
                _platform.Run(TimeSpan.FromSeconds(1));
            }));
            if (_platform.Hosts.Sum(host => host.Heard.Count) - heard < Hosts)
                throw new InvalidOperationException("Not every host was told.");
            var update = _platform.Hosts[^1].Heard.OfType<Message.SparkleUpdate>().Last(message => message.Update.Changes.Count > 0);
            bare.Add(Time(() =>
            {
                for (var host = 0; host < Hosts; host++)
                    _ = codec.Decode(codec.Encode(update));
            }));
        }
        // The first of them warms up.
        return new Result($"address of a card on a switch of {_ports:N0} ports, told to {Hosts} hosts", Median(ours.Skip(1)), "ms", "the bare messages", Median(bare.Skip(1)));
    }

    private static object[] Plugged(Guid host, int number) =>
    [
        new InstanceDesired { Uuid = Numbered(1, number), Name = $"i{number}", Mem = 64 },
        new HostInstanceDesired { Host = host, Instance = Numbered(1, number) },
        new VnicDesired { Uuid = Numbered(3, number), Instance = Numbered(1, number), Switch = Switch, Macaddr = $"06:00:00:00:{number >> 8:x2}:{number & 255:x2}" },
    ];

    private static double Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalMilliseconds;
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }

    private static Guid Numbered(short kind, int number) => new(number, kind, 1, new byte[8]);
}
