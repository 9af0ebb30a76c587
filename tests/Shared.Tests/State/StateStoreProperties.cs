using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

/// <summary>After whatever changes, the store is what a plain scan of the same rows says, and so are its older snapshots.</summary>
[TestFixture]
public sealed class StateStoreProperties
{
    private static Gen<Guid> Uuid => Gen.Choose(0, 4).Select(number => new Guid(number, 0, 0, new byte[8]));

    private static Gen<Coat> AnyCoat => Gen.Elements(Coat.Red, Coat.DarkBlue, Coat.Green);

    private static Gen<string> Name => Gen.Elements("south", "north");

    private static Gen<RowChange> AnyChange => Gen.OneOf(
        from uuid in Uuid
        from coat in AnyCoat
        from stable in Gen.Elements<string?>("south", "north", null)
        select MadeUp.Order(uuid, coat, stable),
        from uuid in Uuid
        from coat in AnyCoat
        from age in Gen.Choose(0, 2)
        select MadeUp.Report(uuid, coat, age),
        from uuid in Uuid
        from part in Gen.Elements(RowPart.Desired, RowPart.Current)
        select MadeUp.Forget(uuid, part),
        from name in Name
        from there in Gen.Elements(true, false)
        select new RowChange(MadeUp.Stable, RowKey.Of(name), RowPart.Desired, there ? new StableDesired { Name = name } : null));

    private static Gen<RowChange[]> Batch => Gen.Choose(0, 8).SelectMany(size => Gen.ArrayOf(AnyChange, size));

    [Test]
    public void Rows_indexes_and_transitions_agree_with_a_plain_scan() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(40),
        Prop.ForAll(Arb.From(Gen.ListOf(Batch)), Follow));

    private static void Follow(IEnumerable<RowChange[]> batches)
    {
        var store = new StateStore(MadeUp.Catalog);
        var model = new Model([], 0);
        var history = new List<(StateSnapshot Snapshot, Model Model)> { (store.Snapshot, model) };
        foreach (var batch in batches)
        {
            var before = store.Snapshot;
            var changes = store.Apply(batch);
            var next = model.After(batch);
            CheckChanges(changes, before, store.Snapshot, model, next);
            model = next;
            history.Add((store.Snapshot, model));
        }
        foreach (var (snapshot, rows) in history)
            CheckSnapshot(snapshot, rows);
    }

    private static void CheckChanges(ChangeSet changes, StateSnapshot before, StateSnapshot after, Model old, Model next)
    {
        Assert.That(changes.Before, Is.SameAs(before));
        Assert.That(changes.After, Is.SameAs(after));
        Assert.That(changes.Rows.Select(row => (row.Entity, row.Key)), Is.EquivalentTo(old.Different(next)));
        if (changes.IsEmpty)
            Assert.That(after, Is.SameAs(before));
        foreach (var row in changes.Rows)
        {
            Assert.That(row.Before, Is.SameAs(before[row.Entity].Find(row.Key)));
            Assert.That(row.After, Is.SameAs(after[row.Entity].Find(row.Key)));
        }
        foreach (var (entity, key) in old.Rows.Keys.Intersect(next.Rows.Keys).Except(old.Different(next)))
            Assert.That(after[entity].Find(key), Is.SameAs(before[entity].Find(key)));
    }

    private static void CheckSnapshot(StateSnapshot snapshot, Model model)
    {
        Assert.That(snapshot.Revision, Is.EqualTo(model.Revision));
        foreach (var table in snapshot.Tables)
        {
            var rows = model.Rows.Where(row => row.Key.Entity == table.Entity).ToDictionary(row => row.Key.Key, row => row.Value);
            Assert.That(table.Count, Is.EqualTo(rows.Count));
            Assert.That(table.Rows.Select(row => row.Key), Is.EquivalentTo(rows.Keys));
            foreach (var (key, expected) in rows)
            {
                var row = table.Find(key)!;
                Assert.That((row.Desired, row.Current, row.Revision), Is.EqualTo((expected.Desired, expected.Current, expected.Revision)));
            }
            foreach (var column in table.Entity.Indexes)
            {
                foreach (var value in (string[])["red", "dark-blue", "green", "south", "north", "0", "1", "2", ""])
                    CheckIndex(table, rows, column, value);
            }
        }
    }

    private static void CheckIndex(TableSnapshot table, Dictionary<RowKey, Model.Content> rows, string column, string value)
    {
        var scanned = rows.Where(row => Text(RowPart.Desired, row.Value.Desired) == value || Text(RowPart.Current, row.Value.Current) == value)
            .Select(row => table.Find(row.Key));
        var found = table.Where(column, value).ToArray();
        Assert.That(found, Is.EquivalentTo(scanned), () => $"{table.Entity}.{column} = {value}");
        Assert.That(table.CountWhere(column, value), Is.EqualTo(found.Length));

        string? Text(RowPart part, object? record) =>
            record is null ? null : table.Entity.Part(part)!.Column(column)?.IndexText(record);
    }

    private sealed record Model(Dictionary<(Entity Entity, RowKey Key), Model.Content> Rows, long Revision)
    {
        public Model After(IEnumerable<RowChange> changes)
        {
            var rows = new Dictionary<(Entity Entity, RowKey Key), Content>(Rows);
            foreach (var (entity, key, part, value) in changes)
            {
                var old = rows.GetValueOrDefault((entity, key)) ?? new Content(null, null, 0);
                var changed = part == RowPart.Desired ? old with { Desired = value } : old with { Current = value };
                if (changed.Desired is null && changed.Current is null)
                    rows.Remove((entity, key));
                else
                    rows[(entity, key)] = changed;
            }
            var next = new Model(rows, Revision);
            // What went away within the batch and came back is what it was, down to the revision.
            foreach (var same in Rows.Keys.Intersect(rows.Keys).Where(id => rows[id].SameParts(Rows[id])))
                rows[same] = Rows[same];
            var different = Different(next);
            foreach (var id in different.Where(rows.ContainsKey))
                rows[id] = rows[id] with { Revision = Revision + 1 };
            return different.Count == 0 ? this : next with { Revision = Revision + 1 };
        }

        public IReadOnlyList<(Entity Entity, RowKey Key)> Different(Model other) => [.. Rows.Keys.Union(other.Rows.Keys).Where(id =>
            !(Rows.TryGetValue(id, out var mine) && other.Rows.TryGetValue(id, out var theirs) && mine.SameParts(theirs)))];

        public sealed record Content(object? Desired, object? Current, long Revision)
        {
            public bool SameParts(Content other) => Equals(Desired, other.Desired) && Equals(Current, other.Current);
        }
    }
}
