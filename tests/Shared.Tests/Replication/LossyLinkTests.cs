using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>
/// Sender and receiver over a network that loses, repeats and reorders, with restarts of either side, all drawn from one
/// seed. Versions of a row only grow, so a row that goes back, or disappears, shows at once.
/// </summary>
[TestFixture]
public sealed class LossyLinkTests
{
    private const int Rows = 3;

    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Entity Config = Catalog["config"];

    [Test]
    public void Copies_never_go_back_and_agree_once_faults_stop([Range(1, 300)] int seed)
    {
        var world = new World(seed);
        for (var step = 0; step < 400; step++)
            world.Step();
        world.StopFaults();
        Assert.That(world.Copy, Is.EquivalentTo(world.Source), "the copy differs from its source after faults stopped");
    }

    private sealed class World(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly List<StateMessage> _updates = [];
        private readonly HashSet<string> _untold = [];
        private readonly List<StreamId> _requests = [];
        private ReplicationSender _sender = Ready("s0");
        private ReplicationReceiver _receiver = new("r0");
        private TimeSpan _now;
        private bool _areFaultsOn = true;
        private int _starts;

        public Dictionary<string, int> Source { get; } = Enumerable.Range(0, Rows).ToDictionary(row => $"k{row}", _ => 1);

        public Dictionary<string, int> Copy { get; private set; } = [];

        public void Step()
        {
            _now += TimeSpan.FromMilliseconds(_random.Next(500));
            switch (_random.Next(100))
            {
                case < 25: Change(); break;
                case < 40: Send(_sender.Partial([])); break;
                case < 70: Deliver(_random.Next(4) == 0 ? _random.Next(Math.Max(1, _updates.Count)) : 0, keep: _random.Next(8) == 0); break;
                case < 88: Answer(_random.Next(4) == 0 ? _random.Next(Math.Max(1, _requests.Count)) : 0, keep: _random.Next(8) == 0); break;
                case < 92 when _updates.Count > 0: _updates.RemoveAt(_random.Next(_updates.Count)); break;
                case < 95 when _requests.Count > 0: _requests.RemoveAt(_random.Next(_requests.Count)); break;
                case 97: _sender = Ready($"s{++_starts}"); break;
                case 98:
                    _receiver = new ReplicationReceiver($"r{++_starts}");
                    Copy = [];
                    break;
                case 99: _sender.DropStream(ready: true); break;
                default: Retry(); break;
            }
        }

        public void StopFaults()
        {
            _areFaultsOn = false;
            for (var round = 0; round < 12; round++)
            {
                while (_updates.Count + _requests.Count > 0)
                {
                    while (_updates.Count > 0)
                        Deliver(0, keep: false);
                    while (_requests.Count > 0)
                        Answer(0, keep: false);
                }
                _now += TimeSpan.FromSeconds(31);
                Retry();
                Send(_sender.Partial([]));
            }
            while (_updates.Count > 0)
                Deliver(0, keep: false);
        }

        private static ReplicationSender Ready(string incarnation)
        {
            var sender = new ReplicationSender(incarnation);
            sender.BecomeReady();
            return sender;
        }

        private static RowChange RowOf(string key, int version) =>
            RowChange.Set(Config, RowPart.Desired, new ConfigDesired { Key = key, Value = JsonText.Parse($"{version}") });

        private void Change()
        {
            var key = $"k{_random.Next(Rows)}";
            Source[key]++;
            _untold.Add(key);
            Tell();
        }

        private void Tell()
        {
            if (_untold.Count == 0 || _sender.Partial([.. _untold.Select(key => RowOf(key, Source[key]))]) is not { } update)
                return;
            _untold.Clear();
            _updates.Add(update);
        }

        private void Send(StateUpdate? update)
        {
            if (update is not null)
                _updates.Add(update);
        }

        private void Send(IReadOnlyList<StateMessage> messages) => _updates.AddRange(messages);

        private void Acknowledge(Acknowledgement what)
        {
            if (_random.Next(10) == 0 && _areFaultsOn)
                return;
            Send(_sender.Acknowledged(what));
            Tell();
        }

        private void Retry()
        {
            if (_receiver.Tick(_now, _random.NextDouble()) is { } request)
                _requests.Add(request);
        }

        private void Answer(int index, bool keep)
        {
            if (_requests.Count == 0)
                return;
            var request = _requests[index];
            if (!keep)
                _requests.RemoveAt(index);
            if (!_sender.Accepts(request))
                return;
            _untold.Clear();
            Send(_sender.Snapshot(request, _random.Next(2) * ReplicationReceiver.Window, [.. Source.Select(IReadOnlyList<RowChange> (row) => [RowOf(row.Key, row.Value)])]));
        }

        private void Deliver(int index, bool keep)
        {
            if (_updates.Count == 0)
                return;
            var update = _updates[index];
            if (!keep)
                _updates.RemoveAt(index);
            var outcome = _receiver.Receive(update, _now, _random.NextDouble());
            switch (outcome)
            {
                case ReceiveOutcome.Request(var request):
                    _requests.Add(request);
                    break;
                case ReceiveOutcome.Replace(var rows):
                    Take(rows, whole: true);
                    break;
                case ReceiveOutcome.Apply(var rows):
                    Take(rows, whole: false);
                    break;
            }
            if (outcome.Acknowledge is { } taken)
                Acknowledge(taken);
        }

        private void Take(IReadOnlyList<RowChange> rows, bool whole)
        {
            var next = whole ? [] : new Dictionary<string, int>(Copy);
            foreach (var row in rows)
                next[row.Key.Text] = int.Parse(((ConfigDesired)row.Value!).Value.Text);
            foreach (var (key, version) in Copy)
            {
                Assert.That(next, Does.ContainKey(key), "a row disappeared that its source never removed");
                Assert.That(next[key], Is.GreaterThanOrEqualTo(version), "a row went back to an older version");
            }
            Copy = next;
        }
    }
}
