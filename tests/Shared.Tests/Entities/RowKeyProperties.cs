using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>A key is its text: how it is kept shows nowhere.</summary>
[TestFixture]
public sealed class RowKeyProperties
{
    private static Gen<Guid> Uuid =>
        from first in Gen.Choose(0, 3)
        from middle in Gen.Elements<short>(0, 1, -1)
        from last in Gen.Elements<byte>(0, 1, 255)
        select new Guid(first == 3 ? -1 : first, middle, 0, 0, 0, 0, 0, 0, 0, 0, last);

    private static Gen<string> Part => Gen.OneOf(
        Uuid.Select(uuid => uuid.ToString()),
        Uuid.Select(uuid => uuid.ToString().ToUpperInvariant()),
        Gen.Choose(1, 40).SelectMany(length => Gen.ArrayOf(
            Gen.Elements("a", "f", "0", "9", "-", "A", "Z", " ", "/", "\"", "\\", "<", "é", "\u007f", "\u2028", "🐴"), length)).Select(string.Concat));

    private static Gen<RowKey> Key => Gen.OneOf(
        Uuid.Select(RowKey.Of),
        Part.Select(RowKey.Of),
        Gen.Choose(2, 3).SelectMany(count => Gen.ArrayOf(Part, count)).Select(parts => RowKey.Of(parts)));

    private static Config Runs => Config.QuickThrowOnFailure.WithMaxTest(2_000);

    [Test]
    public void A_key_reads_back_as_it_was_written() => Check.One(Runs, Prop.ForAll(Arb.From(Key), key =>
    {
        var read = WireText.ReadKey(WireText.Of(key));
        Assert.That(read, Is.EqualTo(key));
        Assert.That(read.Text, Is.EqualTo(key.Text));
        Assert.That(RowKey.Of(key.Parts), Is.EqualTo(key));
        Assert.That(key.Parts, Has.Length.EqualTo(key.Count));
    }));

    [Test]
    public void Keys_are_equal_when_their_texts_are_and_ordered_as_those() =>
        Check.One(Runs, Prop.ForAll(Arb.From(Key), Arb.From(Key), (left, right) =>
        {
            var order = Math.Sign(string.CompareOrdinal(left.Text, right.Text));
            Assert.That(Math.Sign(left.CompareTo(right)), Is.EqualTo(order));
            Assert.That(left == right, Is.EqualTo(order == 0));
            Assert.That(left < right, Is.EqualTo(order < 0));
            Assert.That(left >= right, Is.EqualTo(order >= 0));
            if (left == right)
                Assert.That((left.GetHashCode(), left.StableHash), Is.EqualTo((right.GetHashCode(), right.StableHash)));
        }));

    [Test]
    public void The_stable_hash_is_the_same_in_every_process()
    {
        // Written down, because the order of rows, and with it a repeated simulation, depends on them.
        Assert.That(RowKey.Of("south").StableHash, Is.EqualTo(0xb3a3c105u));
        Assert.That(RowKey.Of(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)).StableHash, Is.EqualTo(0x1c9c8226u));
    }
}
