using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

[TestFixture]
public sealed class PersistentMapTests
{
    private const uint Hash = 0xdeadbeef;

    [Test]
    public void Keys_can_be_crafted_to_collide()
    {
        var text = RowKey.Of("a text key");
        RowKey[] colliding = [text, CraftedKeys.WithHash(text.StableHash, 0), CraftedKeys.WithHash(text.StableHash, 1)];
        Assert.That(colliding.Select(key => key.StableHash), Is.All.EqualTo(text.StableHash));
        Assert.That(colliding, Is.Unique);
    }

    [Test]
    public void Colliding_items_come_in_the_order_of_their_keys_however_they_were_put_in()
    {
        RowKey[] keys = [.. Enumerable.Range(0, 6).Select(salt => CraftedKeys.WithHash(Hash, (uint)salt)).Order()];
        int[][] orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [1, 0], [3, 5, 0, 2, 4, 1]];
        foreach (var order in orders)
        {
            var map = Of(order.Select(index => keys[index]));
            Assert.That(map.Items.Select(item => item.Key), Is.EqualTo(order.Order().Select(index => keys[index])));
        }
    }

    [Test]
    public void Colliding_items_are_found_replaced_and_removed_one_by_one()
    {
        RowKey[] keys = [.. Enumerable.Range(0, 4).Select(salt => CraftedKeys.WithHash(Hash, (uint)salt))];
        var map = Of(keys);
        Assert.That(map.Find(CraftedKeys.WithHash(Hash, 9)), Is.Null);

        var editor = map.Edit();
        editor.Set(new Item(keys[1], "new"));
        editor.Remove(CraftedKeys.WithHash(Hash, 9));
        var replaced = editor.ToMap();
        Assert.That(replaced.Count, Is.EqualTo(4));
        Assert.That(replaced.Find(keys[1])?.Value, Is.EqualTo("new"));
        Assert.That(map.Find(keys[1])?.Value, Is.Empty);

        foreach (var key in keys)
        {
            editor.Remove(key);
            var left = editor.ToMap();
            Assert.That(left.Find(key), Is.Null);
            Assert.That(left.Items.Count(), Is.EqualTo(left.Count));
        }
        Assert.That(editor.Count, Is.Zero);
        Assert.That(map.Count, Is.EqualTo(4));
    }

    [Test]
    public void A_key_left_alone_after_a_removal_lies_where_it_lay_before()
    {
        // Equal up to the last bits, so that the two stand at the bottom of a long chain; the third comes between in
        // the order of the root's slots, which tells a chain that was left behind from an item in its place.
        var first = CraftedKeys.WithHash(0b00001, 0);
        var deep = CraftedKeys.WithHash(0b00001 | (1u << 31), 0);
        var other = CraftedKeys.WithHash(0b00010, 0);
        var never = Of([first, other]);

        var editor = Of([first, deep, other]).Edit();
        editor.Remove(deep);

        Assert.That(editor.ToMap().Items.Select(item => item.Key), Is.EqualTo([first, other]));
        Assert.That(never.Items.Select(item => item.Key), Is.EqualTo([first, other]));
    }

    [Test]
    public void An_edit_that_changes_nothing_gives_the_same_version_back()
    {
        var map = Of([RowKey.Of("a"), RowKey.Of("b")]);
        var editor = map.Edit();
        editor.Remove(RowKey.Of("c"));
        editor.Set(map.Find(RowKey.Of("a"))!);
        Assert.That(editor.ToMap(), Is.SameAs(map));
    }

    [Test]
    public void An_editor_that_goes_on_leaves_alone_what_it_returned()
    {
        var editor = PersistentMap<Item>.Empty.Edit();
        editor.Set(new Item(RowKey.Of("a"), "1"));
        var first = editor.ToMap();
        editor.Set(new Item(RowKey.Of("a"), "2"));
        editor.Set(new Item(RowKey.Of("b"), "2"));
        var second = editor.ToMap();
        editor.Remove(RowKey.Of("a"));

        Assert.That(first.Items, Is.EqualTo([new Item(RowKey.Of("a"), "1")]));
        Assert.That(second.Items.Select(item => item.Value), Is.EqualTo(["2", "2"]));
        Assert.That(PersistentMap<Item>.Empty.Count, Is.Zero);
    }

    [Test]
    public void A_large_map_keeps_every_item_and_its_order_does_not_depend_on_its_history()
    {
        const int Count = 100_000;
        RowKey[] keys = [.. Enumerable.Range(0, Count).Select(number => number % 2 == 0
            ? RowKey.Of($"row-{number}")
            : RowKey.Of(new Guid(number, 0, 0, new byte[8])))];
        var forward = Of(keys);
        var editor = Of(keys.Reverse()).Edit();
        foreach (var key in keys.Where((_, index) => index % 3 == 0))
            editor.Remove(key);
        var third = editor.ToMap();
        foreach (var key in keys.Where((_, index) => index % 3 == 0))
            editor.Set(new Item(key, ""));
        var again = editor.ToMap();

        var atOnce = PersistentMap<Item>.Empty.Edit();
        atOnce.SetAll([.. keys.Select(key => new Item(key, ""))]);

        Assert.That(forward.Count, Is.EqualTo(Count));
        Assert.That(atOnce.ToMap().Items.SequenceEqual(forward.Items), Is.True);
        Assert.That(keys.All(key => forward.Find(key)?.Key == key), Is.True);
        Assert.That(again.Items.SequenceEqual(forward.Items), Is.True);
        Assert.That(third.Count, Is.EqualTo(Count - ((Count + 2) / 3)));
        Assert.That(keys.Where((key, index) => third.Find(key) is null != (index % 3 == 0)), Is.Empty);
    }

    private static PersistentMap<Item> Of(IEnumerable<RowKey> keys)
    {
        var editor = PersistentMap<Item>.Empty.Edit();
        foreach (var key in keys)
            editor.Set(new Item(key, ""));
        return editor.ToMap();
    }

    private sealed record Item(RowKey Key, string Value) : IKeyed;
}
