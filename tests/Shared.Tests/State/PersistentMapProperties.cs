using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

/// <summary>The map does what a dictionary does, over keys of which many share some or all bits of their hash.</summary>
[TestFixture]
public sealed class PersistentMapProperties
{
    private static Gen<RowKey> Key => Gen.OneOf(
        from hash in Gen.Elements(0u, 1u, 33u, 1u << 30, 1u << 31, uint.MaxValue)
        from salt in Gen.Choose(0, 3)
        select CraftedKeys.WithHash(hash, (uint)salt),
        Gen.Choose(0, 20).Select(number => RowKey.Of($"key-{number}")));

    private static Gen<Step> Set =>
        from key in Key
        from value in Gen.Choose(0, 3)
        select (Step)new Step.Set(new Item(key, value));

    private static Gen<Step> SetAll =>
        from count in Gen.Choose(0, 20)
        from keys in Key.ArrayOf(count)
        from value in Gen.Choose(0, 3)
        select (Step)new Step.SetAll([.. keys.Distinct().Select(key => new Item(key, value))]);

    private static Gen<Step> Remove => Key.Select(key => (Step)new Step.Remove(key));

    private static Gen<Step> AnyStep => Gen.OneOf(
        Set, Set, Set, SetAll, Remove, Remove, Gen.Constant((Step)new Step.Freeze()), Gen.Choose(0, 9).Select(back => (Step)new Step.Return(back)));

    [Test]
    public void Every_version_is_the_dictionary_that_it_was_made_from_and_stays_so() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(200),
        Prop.ForAll(Arb.From(Gen.ListOf(AnyStep)), Follow));

    private static void Follow(IEnumerable<Step> steps)
    {
        var versions = new List<(PersistentMap<Item> Map, Dictionary<RowKey, Item> Model)> { (PersistentMap<Item>.Empty, []) };
        var editor = versions[0].Map.Edit();
        var model = new Dictionary<RowKey, Item>();
        foreach (var step in steps.Append(new Step.Freeze()))
        {
            switch (step)
            {
                case Step.Set(var item):
                    editor.Set(item);
                    model[item.Key] = item;
                    break;
                case Step.SetAll(var items):
                    editor.SetAll(items);
                    foreach (var one in items)
                        model[one.Key] = one;
                    break;
                case Step.Remove(var key):
                    editor.Remove(key);
                    model.Remove(key);
                    break;
                case Step.Freeze:
                    versions.Add((editor.ToMap(), new Dictionary<RowKey, Item>(model)));
                    break;
                case Step.Return(var back):
                    var version = versions[Math.Max(0, versions.Count - 1 - back)];
                    editor = version.Map.Edit();
                    model = new Dictionary<RowKey, Item>(version.Model);
                    break;
            }
            Assert.That(editor.Count, Is.EqualTo(model.Count));
            if (step is Step.Set(var touched))
                Assert.That(editor.Find(touched.Key), Is.SameAs(touched));
        }
        foreach (var (map, content) in versions)
            Compare(map, content);
    }

    private static void Compare(PersistentMap<Item> map, Dictionary<RowKey, Item> model)
    {
        Assert.That(map.Count, Is.EqualTo(model.Count));
        Assert.That(model.Values.All(item => ReferenceEquals(map.Find(item.Key), item)), Is.True);
        var fresh = PersistentMap<Item>.Empty.Edit();
        foreach (var item in model.Values.OrderBy(item => item.Key))
            fresh.Set(item);
        // The order is that of a map with the same content and another history, so no key is there twice or missing.
        Assert.That(map.Items.SequenceEqual(fresh.ToMap().Items, ReferenceEqualityComparer.Instance), Is.True);
        Assert.That(map.Items.Count(), Is.EqualTo(model.Count));
    }

    private sealed record Item(RowKey Key, int Value) : IKeyed;

    private abstract record Step
    {
        public sealed record Set(Item Item) : Step;

        public sealed record SetAll(Item[] Items) : Step;

        public sealed record Remove(RowKey Key) : Step;

        public sealed record Freeze : Step;

        public sealed record Return(int Back) : Step;
    }
}
