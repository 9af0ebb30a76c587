using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Tests.Outage;

/// <summary>Whatever the disk does and whenever the process dies: what was acknowledged counts, and what was refused does not.</summary>
[TestFixture]
public sealed class OrderJournalProperties
{
    private static readonly LetGoOptions Small = Orders.Options with { Orders = 4, Bytes = 3000 };

    [Test]
    public void Acknowledged_orders_survive_and_refused_ones_do_not() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Arb.From(Gen.ListOf(Step())), Holds));

    private static Gen<(int Kind, int Row, int Healthy, int Failing, double Through)> Step() =>
        from kind in Gen.Choose(0, 9)
        from row in Gen.Choose(1, 6)
        from healthy in Gen.Choose(0, 6)
        from failing in Gen.Choose(0, 3)
        from through in Gen.Choose(0, 4)
        select (kind, row, healthy, failing, through / 4.0);

    private static bool Holds(IList<(int Kind, int Row, int Healthy, int Failing, double Through)> steps)
    {
        var disk = new FakeDisk();
        var journal = Orders.Open(disk, Small);
        var known = new Dictionary<Guid, Guid>();
        var maybe = new List<Dictionary<Guid, Guid>>();
        foreach (var (kind, row, healthy, failing, through) in steps)
        {
            (disk.Healthy, disk.Failing, disk.Through) = (healthy, failing, through);
            var host = Orders.Host(row).Uuid;
            switch (kind)
            {
                case < 5:
                    var order = Orders.Of(Orders.Host(row), HostState.Gone);
                    Try([order], [], new Dictionary<Guid, Guid>(known) { [host] = order.Id });
                    break;
                case < 7 when known.TryGetValue(host, out var withdrawn):
                    var without = new Dictionary<Guid, Guid>(known);
                    without.Remove(host);
                    Try([], [withdrawn], without);
                    break;
                case 7 when known.Count > 0:
                    // The database has it: the disk may still say so, and is told with the others.
                    maybe = [.. maybe, new Dictionary<Guid, Guid>(known)];
                    var done = journal.Orders.First();
                    journal.Finish(done);
                    known.Remove(known.Single(pair => pair.Value == done.Id).Key);
                    TryRewrite();
                    break;
                default:
                    disk.Healthy = int.MaxValue;
                    journal = Orders.Open(disk, Small);
                    var found = journal.Orders.ToDictionary(left => Guid.Parse(left.Key.Text), left => left.Id);
                    if (journal.Damage.Count > 0 || !maybe.Append(known).Any(state => Same(state, found)))
                        return false;
                    known = found;
                    maybe = [];
                    break;
            }
        }
        return true;

        void Try(LetGoOrder[] orders, Guid[] withdrawn, Dictionary<Guid, Guid> then)
        {
            try
            {
                journal.Take(orders, withdrawn);
                // What is on the disk may also have what was finished and could not be forgotten.
                maybe = [.. maybe.Select(state => Changed(state, known, then))];
                known = then;
            }
            catch (JournalException e)
            {
                if (!e.IsUndone)
                    maybe = [.. maybe, .. maybe.Select(state => Changed(state, known, then)), then];
            }
        }

        void TryRewrite()
        {
            try
            {
                journal.Rewrite();
                maybe = [];
            }
            catch (IOException)
            {
                // Then what was finished may come back, which does nothing.
                maybe = [.. maybe];
            }
        }
    }

    private static Dictionary<Guid, Guid> Changed(Dictionary<Guid, Guid> state, Dictionary<Guid, Guid> before, Dictionary<Guid, Guid> after)
    {
        var changed = new Dictionary<Guid, Guid>(state);
        foreach (var (host, id) in before.Where(pair => !after.ContainsKey(pair.Key)))
        {
            if (changed.GetValueOrDefault(host) == id)
                changed.Remove(host);
        }
        foreach (var (host, id) in after)
            changed[host] = id;
        return changed;
    }

    private static bool Same(Dictionary<Guid, Guid> left, Dictionary<Guid, Guid> right) =>
        left.Count == right.Count && left.All(pair => right.TryGetValue(pair.Key, out var id) && id == pair.Value);
}
