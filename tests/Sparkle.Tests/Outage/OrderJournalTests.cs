using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Tests.Outage;

[TestFixture]
public sealed class OrderJournalTests
{
    private FakeDisk _disk = null!;

    [SetUp]
    public void Make() => _disk = new FakeDisk();

    [Test]
    public void Orders_are_there_after_a_restart_as_they_were_taken()
    {
        var stop = Orders.Stop();
        var host = Orders.Of(Orders.Host(1), HostState.Evacuated) with { Through = [Orders.Host(1) with { Info = "before" }] };
        Orders.Open(_disk).Take([stop, host], []);

        var found = Orders.Open(_disk).Orders.OrderBy(order => order.Entity.Name).ToList();

        Assert.That(found[1], Is.EqualTo(stop with { Through = found[1].Through, MayStand = true }));
        Assert.That(found[0].Through, Is.EqualTo(host.Through));
        Assert.That(found[0].Record, Is.EqualTo(host.Record));
    }

    [Test]
    public void The_newest_order_of_a_row_stands()
    {
        var host = Orders.Host(1);
        var journal = Orders.Open(_disk);
        journal.Take([Orders.Of(host, HostState.Evacuated)], []);
        journal.Take([Orders.Of(host, HostState.Gone)], []);

        Assert.That(Orders.Open(_disk).Orders.Single().Record, Is.EqualTo(host with { State = HostState.Gone }));
    }

    [Test]
    public void What_was_withdrawn_does_not_come_back()
    {
        var stop = Orders.Stop();
        var journal = Orders.Open(_disk);
        journal.Take([stop], []);
        journal.Take([], [stop.Id]);

        Assert.That(Orders.Open(_disk).Orders, Is.Empty);
    }

    [Test]
    public void Cut_off_anywhere_it_holds_exactly_what_was_acknowledged_by_then()
    {
        var states = Fill(out var bytes);

        for (var length = 0; length <= bytes.Length; length++)
        {
            var disk = new FakeDisk { BytesOfB = bytes[..length] };
            var journal = Orders.Open(disk);
            var acknowledged = states.Last(state => state.Length <= length).Ids;
            Assert.That(Orders.Ids(journal.Orders), Is.EqualTo(acknowledged), $"cut at {length}");
            Assert.That(journal.Damage, Is.Empty, $"cut at {length}");

            var next = Orders.Stop();
            journal.Take([next], []);
            Assert.That(Orders.Ids(Orders.Open(disk).Orders), Is.EquivalentTo(acknowledged.Append(next.Id.ToString())), $"cut at {length}");
        }
    }

    [Test]
    public void Damaged_anywhere_but_in_the_last_line_it_is_moved_aside_and_nothing_of_it_is_carried_out()
    {
        var states = Fill(out var bytes);
        var lastLine = states[^2].Length;

        for (var at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= 0x04;
            var disk = new FakeDisk { BytesOfB = damaged };
            var journal = Orders.Open(disk);

            var wasLast = at >= lastLine;
            Assert.That(Orders.Ids(journal.Orders), Is.EqualTo(wasLast ? states[^2].Ids : []), $"damaged at {at}");
            Assert.That(journal.Damage, Has.Count.EqualTo(wasLast ? 0 : 1), $"damaged at {at}");
            Assert.That(disk.Aside, wasLast ? Is.Empty : Is.EqualTo(new[] { damaged }), $"damaged at {at}");

            var next = Orders.Stop();
            journal.Take([next], []);
            Assert.That(Orders.Ids(Orders.Open(disk).Orders), Does.Contain(next.Id.ToString()), $"damaged at {at}");
        }
    }

    [Test]
    public void A_line_of_a_future_version_is_no_torn_one()
    {
        var journal = Orders.Open(_disk);
        journal.Take([Orders.Stop()], []);
        var text = System.Text.Encoding.UTF8.GetString(_disk.BytesOfB).Replace("\"table\":\"instance\"", "\"table\":\"airship\"", StringComparison.Ordinal);
        var lines = text.TrimEnd('\n').Split('\n').Select(line => line[17..]).Select(json => $"{Checksum(json)} {json}\n");
        _disk.BytesOfB = System.Text.Encoding.UTF8.GetBytes(string.Concat(lines));

        var found = Orders.Open(_disk);

        Assert.That(found.Damage.Single().Why, Does.Contain("airship"));
        Assert.That(found.Orders, Is.Empty);
    }

    [Test]
    public void A_disk_that_is_full_takes_no_order_and_keeps_those_before()
    {
        var first = Orders.Stop();
        var journal = Orders.Open(_disk);
        journal.Take([first], []);
        (_disk.Healthy, _disk.Failing, _disk.Through) = (0, 1, 0.7);

        Assert.That(() => journal.Take([Orders.Stop()], []), Throws.TypeOf<JournalException>().With.Property("IsUndone").True);

        Assert.That(Orders.Ids(journal.Orders), Is.EqualTo(new[] { first.Id.ToString() }));
        Assert.That(Orders.Ids(Orders.Open(_disk).Orders), Is.EqualTo(new[] { first.Id.ToString() }));
    }

    [Test]
    public void An_order_that_cannot_be_cut_off_again_is_said_to_be_unknown_and_nothing_follows_it()
    {
        var journal = Orders.Open(_disk);
        (_disk.Healthy, _disk.Through) = (0, 1);

        Assert.That(() => journal.Take([Orders.Stop()], []), Throws.TypeOf<JournalException>().With.Property("IsUndone").False);
        Assert.That(() => journal.Take([Orders.Stop()], []), Throws.TypeOf<JournalException>().With.Property("IsUndone").True);

        _disk.Healthy = int.MaxValue;
        var last = Orders.Stop();
        journal.Take([last], []);
        Assert.That(Orders.Ids(Orders.Open(_disk).Orders), Is.EqualTo(new[] { last.Id.ToString() }));
    }

    [Test]
    public void More_rows_than_the_bound_are_not_taken()
    {
        var journal = Orders.Open(_disk, Orders.Options with { Orders = 2 });
        journal.Take([Orders.Of(Orders.Host(1), HostState.Evacuated), Orders.Of(Orders.Host(2), HostState.Evacuated)], []);

        Assert.That(() => journal.Take([Orders.Stop()], []), Throws.TypeOf<JournalException>());
        journal.Take([Orders.Of(Orders.Host(1), HostState.Gone)], []);

        Assert.That(journal.Orders, Has.Count.EqualTo(2));
    }

    [Test]
    public void Orders_that_come_and_go_do_not_fill_the_disk()
    {
        var options = Orders.Options with { Bytes = 4096 };
        var journal = Orders.Open(_disk, options);
        var kept = Orders.Stop();
        journal.Take([kept], []);
        for (var i = 0; i < 1000; i++)
        {
            var stop = Orders.Stop();
            journal.Take([stop], []);
            journal.Take([], [stop.Id]);
        }

        Assert.That(Math.Max(_disk.BytesOfA.Length, _disk.BytesOfB.Length), Is.LessThanOrEqualTo(4096));
        Assert.That(Orders.Ids(Orders.Open(_disk, options).Orders), Is.EqualTo(new[] { kept.Id.ToString() }));
    }

    [Test]
    public void A_journal_in_real_files_is_for_its_owner_only_and_for_one_process()
    {
        var directory = Directory.CreateTempSubdirectory("ponycloud-journal-");
        try
        {
            var path = Path.Combine(directory.FullName, "orders.a");
            using var a = new JournalFile(path);
            using var b = new JournalFile(Path.Combine(directory.FullName, "orders.b"));
            var journal = new OrderJournal(a, b, Orders.Catalog, Orders.Options, TimeProvider.System);
            var stop = Orders.Stop();
            journal.Take([stop], []);

            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(() => new JournalFile(path), Throws.InstanceOf<IOException>());
            Assert.That(Orders.Ids(new OrderJournal(a, b, Orders.Catalog, Orders.Options, TimeProvider.System).Orders), Is.EqualTo(new[] { stop.Id.ToString() }));
            var moved = b.MoveAside("damaged");
            Assert.That(new FileInfo(moved).Length, Is.GreaterThan(0));
            Assert.That(b.Read(), Is.Empty);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Takes orders one line after the other.</summary>
    /// <param name="bytes">The file that counts.</param>
    /// <returns>What counted when the file was so long.</returns>
    private (int Length, string[] Ids)[] Fill(out byte[] bytes)
    {
        var journal = Orders.Open(_disk);
        List<(int, string[])> states = [(0, []), (_disk.BytesOfB.Length, [])];
        var host = Orders.Host(1);
        var stop = Orders.Stop();
        Take([Orders.Of(host, HostState.Evacuated)], []);
        Take([stop, Orders.Of(Orders.Host(2), HostState.Gone)], []);
        Take([Orders.Of(host, HostState.Gone)], [stop.Id]);
        bytes = _disk.BytesOfB;
        return [.. states];

        void Take(LetGoOrder[] orders, Guid[] withdrawn)
        {
            journal.Take(orders, withdrawn);
            states.Add((_disk.BytesOfB.Length, Orders.Ids(journal.Orders)));
        }
    }

    private static string Checksum(string json) =>
        Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(json)))[..16];
}
