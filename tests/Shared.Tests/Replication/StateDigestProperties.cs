using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.Replication;

/// <summary>R17: two sides that hold the same rows have the same digest, whatever way they got there; else they have not.</summary>
[TestFixture]
public sealed class StateDigestProperties
{
    private static readonly Entity Entry = EntityCatalog.Load()["config"];

    private static Gen<(int Key, int Value)> AnyRow =>
        from key in Gen.Choose(0, 30)
        from value in Gen.Choose(0, 3)
        select (key, value);

    /// <summary>Rows by key, at least one.</summary>
    private static Gen<Dictionary<int, int>> AnyRows =>
        Gen.NonEmptyListOf(AnyRow).Select(rows => rows.DistinctBy(row => row.Key).ToDictionary(row => row.Key, row => row.Value));

    private static FsCheck.Config Runs => FsCheck.Config.QuickThrowOnFailure.WithMaxTest(300);

    [Test]
    public void The_order_of_rows_does_not_matter() => Check.One(Runs, Prop.ForAll(Arb.From(AnyRows), rows =>
    {
        var shuffled = rows.OrderBy(row => row.Key * 7 % 31).Select(row => row.Key);
        Assert.That(DigestOf(rows, shuffled), Is.EqualTo(DigestOf(rows)));
    }));

    [Test]
    public void One_row_changed_missing_or_too_many_shows() => Check.One(Runs, Prop.ForAll(Arb.From(AnyRows), rows =>
    {
        var digest = DigestOf(rows);
        foreach (var key in rows.Keys)
        {
            var changed = new Dictionary<int, int>(rows) { [key] = rows[key] + 1 };
            Assert.That(DigestOf(changed), Is.Not.EqualTo(digest), $"row {key} changed");
            Assert.That(DigestOf(rows, rows.Keys.Where(other => other != key)), Is.Not.EqualTo(digest), $"row {key} missing");
        }
        var more = new Dictionary<int, int>(rows) { [31] = 0 };
        Assert.That(DigestOf(more), Is.Not.EqualTo(digest), "a row too many");
    }));

    [Test]
    public void Two_rows_that_swap_their_values_show() => Check.One(Runs, Prop.ForAll(Arb.From(AnyRows), rows =>
    {
        var (first, last) = (rows.Keys.First(), rows.Keys.Last());
        var swapped = new Dictionary<int, int>(rows) { [first] = rows[last], [last] = rows[first] };
        Assert.That(DigestOf(swapped) == DigestOf(rows), Is.EqualTo(rows[first] == rows[last]));
    }));

    [Test]
    public void A_digest_that_follows_changes_is_that_of_the_rows() =>
        Check.One(Runs, Prop.ForAll(Arb.From(AnyRows), Arb.From(Gen.ListOf(AnyRow)), (rows, changes) =>
        {
            var hasher = new RowHasher();
            var digest = DigestOf(rows);
            foreach (var (key, value) in changes)
            {
                var before = rows.TryGetValue(key, out var old) ? ValueOf(key, old) : null;
                if (value == 0)
                    rows.Remove(key);
                else
                    rows[key] = value;
                var after = value == 0 ? null : ValueOf(key, value);
                digest = hasher.Follow(digest, Entry, RowKey.Of($"k{key}"), RowPart.Desired, before, after);
                Assert.That(digest, Is.EqualTo(DigestOf(rows)));
            }
        }));

    private static ConfigDesired ValueOf(int key, int value) => new() { Key = $"k{key}", Value = JsonText.Parse($"{value}") };

    private static StateDigest DigestOf(Dictionary<int, int> rows) => DigestOf(rows, rows.Keys);

    private static StateDigest DigestOf(Dictionary<int, int> rows, IEnumerable<int> keys)
    {
        var hasher = new RowHasher();
        return keys.Aggregate(
            default(StateDigest),
            (digest, key) => digest.With(hasher.Hash(RowChange.Set(Entry, RowPart.Desired, ValueOf(key, rows[key])))));
    }
}
