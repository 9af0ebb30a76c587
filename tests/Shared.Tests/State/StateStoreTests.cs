using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

[TestFixture]
public sealed class StateStoreTests
{
    private static readonly Guid One = new(1, 0, 0, new byte[8]);
    private static readonly Guid Two = new(2, 0, 0, new byte[8]);

    private StateStore _store = null!;

    private TableSnapshot Foals => _store.Snapshot[MadeUp.Foal];

    [SetUp]
    public void Make() => _store = new StateStore(MadeUp.Catalog);

    [Test]
    public void An_empty_store_has_an_empty_table_for_every_entity()
    {
        Assert.That(_store.Snapshot.Revision, Is.Zero);
        Assert.That(_store.Snapshot.Tables.Select(table => table.Entity), Is.EqualTo(MadeUp.Catalog.All));
        Assert.That(_store.Snapshot.Tables.Sum(table => table.Count), Is.Zero);
    }

    [Test]
    public void A_row_is_there_as_long_as_one_of_its_parts_is()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red)]);
        _store.Apply([MadeUp.Report(One, Coat.Green)]);
        _store.Apply([MadeUp.Forget(One, RowPart.Desired)]);

        var row = Foals.Find(One);
        Assert.That(row?.Desired, Is.Null);
        Assert.That(row?.Current, Is.InstanceOf<FoalCurrent>());
        Assert.That(row?.Revision, Is.EqualTo(3));
        Assert.That(row?.Key, Is.EqualTo(RowKey.Of(One)));

        var last = _store.Apply([MadeUp.Forget(One, RowPart.Current)]);
        Assert.That(Foals.Find(One), Is.Null);
        Assert.That(Foals.Count, Is.Zero);
        Assert.That(last.Rows.Single().After, Is.Null);
        Assert.That(last.Rows.Single().Key, Is.EqualTo(RowKey.Of(One)));
    }

    [Test]
    public void A_row_on_its_way_is_found_under_both_values()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red), MadeUp.Report(One, Coat.DarkBlue)]);
        Assert.That(Foals.Where("coat", "red"), Is.EqualTo([Foals.Find(One)]));
        Assert.That(Foals.Where("coat", "dark-blue"), Is.EqualTo([Foals.Find(One)]));

        _store.Apply([MadeUp.Report(One, Coat.Red)]);
        Assert.That(Foals.Where("coat", "red"), Is.EqualTo([Foals.Find(One)]));
        Assert.That(Foals.CountWhere("coat", "dark-blue"), Is.Zero);
    }

    [Test]
    public void An_index_leads_to_the_row_as_it_is_even_when_only_another_column_changed()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red, "south"), MadeUp.Report(One, Coat.Red)]);
        _store.Apply([MadeUp.Report(One, Coat.Red, age: 2)]);
        Assert.That(Foals.Where("coat", "red").Single(), Is.SameAs(Foals.Find(One)));
        Assert.That(Foals.Where("stable", "south").Single(), Is.SameAs(Foals.Find(One)));
        Assert.That(Foals.Where("age", "2").Single(), Is.SameAs(Foals.Find(One)));
    }

    [Test]
    public void A_null_stands_in_no_index()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red)]);
        Assert.That(Foals.CountWhere("stable", ""), Is.Zero);
    }

    [Test]
    public void A_column_without_an_index_cannot_be_searched() =>
        Assert.That(() => Foals.Where("uuid", "x"), Throws.ArgumentException.With.Message.Contains("uuid"));

    [Test]
    public void Changes_that_change_nothing_make_no_revision()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red)]);
        var before = _store.Snapshot;
        var changes = _store.Apply(
            [MadeUp.Order(One, Coat.Red), MadeUp.Forget(One, RowPart.Current), MadeUp.Forget(Two, RowPart.Desired)]);
        Assert.That(changes.IsEmpty, Is.True);
        Assert.That(changes.After, Is.SameAs(before));
        Assert.That(_store.Snapshot, Is.SameAs(before));
    }

    [Test]
    public void Going_there_and_back_makes_no_revision()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red)]);
        var before = _store.Snapshot;
        Assert.That(_store.Apply([MadeUp.Order(One, Coat.Green), MadeUp.Order(One, Coat.Red)]).IsEmpty, Is.True);
        Assert.That(_store.Apply([MadeUp.Report(Two, Coat.Red), MadeUp.Forget(Two, RowPart.Current)]).IsEmpty, Is.True);
        Assert.That(_store.Snapshot, Is.SameAs(before));
    }

    [Test]
    public void Going_there_and_back_beside_a_change_leaves_the_row_as_it_was()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red, "south"), MadeUp.Order(Two, Coat.Red)]);
        var before = Foals.Find(One);

        var changes = _store.Apply(
            [MadeUp.Order(One, Coat.Green), MadeUp.Order(Two, Coat.Green), MadeUp.Order(One, Coat.Red, "south")]);

        Assert.That(changes.Rows.Select(row => row.Key), Is.EqualTo([RowKey.Of(Two)]));
        Assert.That(Foals.Find(One), Is.SameAs(before));
        Assert.That(Foals.Find(One)!.Revision, Is.EqualTo(1));
        Assert.That(Foals.Where("coat", "red").Single(), Is.SameAs(before));
        Assert.That(Foals.Where("stable", "south").Single(), Is.SameAs(before));
        Assert.That(Foals.Where("coat", "green").Single(), Is.SameAs(Foals.Find(Two)));
    }

    [Test]
    public void A_row_made_and_unmade_beside_a_change_leaves_no_trace()
    {
        var changes = _store.Apply(
            [MadeUp.Order(One, Coat.Green), MadeUp.Order(Two, Coat.Red), MadeUp.Forget(One, RowPart.Desired)]);
        Assert.That(changes.Rows.Select(row => row.Key), Is.EqualTo([RowKey.Of(Two)]));
        Assert.That(Foals.Rows.Select(row => row.Key), Is.EqualTo([RowKey.Of(Two)]));
        Assert.That(Foals.CountWhere("coat", "green"), Is.Zero);
    }

    [Test]
    public void A_transition_tells_which_part_changed()
    {
        _store.Apply([MadeUp.Order(One, Coat.Red)]);
        var row = _store.Apply([MadeUp.Report(One, Coat.Red)]).Rows.Single();
        Assert.That(row.Changed(RowPart.Current), Is.True);
        Assert.That(row.Changed(RowPart.Desired), Is.False);
        Assert.That(row.Before!.Desired, Is.SameAs(row.After!.Desired));
    }

    [Test]
    public void All_changes_of_a_revision_are_seen_at_once_and_older_snapshots_stay()
    {
        var empty = _store.Snapshot;
        var changes = _store.Apply([MadeUp.Order(One, Coat.Red), MadeUp.Order(Two, Coat.Red)]);
        _store.Apply([MadeUp.Order(One, Coat.Green), MadeUp.Forget(Two, RowPart.Desired)]);

        Assert.That(changes.Before, Is.SameAs(empty));
        Assert.That(empty[MadeUp.Foal].Count, Is.Zero);
        Assert.That(empty[MadeUp.Foal].CountWhere("coat", "red"), Is.Zero);
        Assert.That(changes.After[MadeUp.Foal].CountWhere("coat", "red"), Is.EqualTo(2));
        Assert.That(Foals.CountWhere("coat", "red"), Is.Zero);
    }

    [Test]
    public void A_part_that_the_entity_does_not_declare_cannot_be_set()
    {
        var change = new RowChange(MadeUp.Stable, RowKey.Of("south"), RowPart.Current, new StableDesired { Name = "south" });
        Assert.That(() => _store.Apply([change]), Throws.ArgumentException.With.Message.Contains("stable").And.Message.Contains("current"));
        Assert.That(_store.Snapshot.Revision, Is.Zero);
    }

    [Test]
    public void A_record_of_another_part_is_refused_and_nothing_beside_it_is_applied()
    {
        var change = new RowChange(MadeUp.Foal, RowKey.Of(One), RowPart.Current, new FoalDesired { Uuid = One, Coat = Coat.Red });
        Assert.That(
            () => _store.Apply([MadeUp.Order(Two, Coat.Red), change]),
            Throws.ArgumentException.With.Message.Contains("foal").And.Message.Contains(nameof(FoalDesired)));
        Assert.That(_store.Snapshot.Revision, Is.Zero);
        Assert.That(Foals.Count, Is.Zero);
    }

    [Test]
    public void A_part_that_the_entity_does_not_declare_can_be_removed() =>
        Assert.That(_store.Apply([RowChange.Remove(MadeUp.Stable, RowPart.Current, RowKey.Of("south"))]).IsEmpty, Is.True);
}
