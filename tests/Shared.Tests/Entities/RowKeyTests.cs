using System.Text.Json;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

[TestFixture]
public sealed class RowKeyTests
{
    private const string Uuid = "9ece4546-1199-42b0-acf5-1b68f393683a";

    [TestCase(Uuid)]
    [TestCase("00000000-0000-0000-0000-000000000000")]
    [TestCase("ffffffff-ffff-ffff-ffff-ffffffffffff")]
    public void A_uuid_and_its_text_are_one_key(string uuid)
    {
        var parsed = RowKey.Of(Guid.Parse(uuid));
        var text = RowKey.Of(uuid);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Is.EqualTo(parsed));
            Assert.That(text == parsed, Is.True);
            Assert.That(text.GetHashCode(), Is.EqualTo(parsed.GetHashCode()));
            Assert.That(text.StableHash, Is.EqualTo(parsed.StableHash));
            Assert.That(text.CompareTo(parsed), Is.Zero);
            Assert.That(parsed.Text, Is.EqualTo(uuid));
            Assert.That(parsed.Parts, Is.EqualTo([uuid]));
            Assert.That(parsed.Count, Is.EqualTo(1));
            Assert.That(parsed.IsEmpty, Is.False);
            Assert.That(parsed, Is.Not.EqualTo(default(RowKey)));
            Assert.That(WireText.Of(text), Is.EqualTo($"\"{uuid}\""));
            Assert.That(WireText.Of(parsed), Is.EqualTo($"\"{uuid}\""));
        }
    }

    [TestCase("9ECE4546-1199-42b0-acf5-1b68f393683a")]
    [TestCase("9ece454611994 2b0acf51b68f393683a")]
    [TestCase("{9ece4546-1199-42b0-acf5-1b68f393683a}")]
    [TestCase(" 9ece4546-1199-42b0-acf5-1b68f393683")]
    [TestCase("0xce4546-1199-42b0-acf5-1b68f393683a")]
    [TestCase("+ece4546-1199-42b0-acf5-1b68f393683a")]
    [TestCase("9ece4546-0x99-42b0-acf5-1b68f393683a")]
    [TestCase("9ece4546-+199-42b0-acf5-1b68f393683a")]
    public void A_text_that_merely_looks_like_a_uuid_stays_the_text_that_it_is(string text)
    {
        var key = RowKey.Of(text);
        Assert.That(key.Text, Is.EqualTo(text));
        Assert.That(WireText.Of(key), Is.EqualTo($"\"{text}\""));
        Assert.That(Guid.TryParse(text, out var uuid) && RowKey.Of(uuid) == key, Is.False);
    }

    [Test]
    public void The_default_is_no_key()
    {
        RowKey none = default;
        Assert.That(none.IsEmpty, Is.True);
        Assert.That(none.Text, Is.Empty);
        Assert.That(none, Is.Not.EqualTo(RowKey.Of(Guid.Empty)));
        Assert.That(none.CompareTo(RowKey.Of("a")), Is.Negative);
    }

    [Test]
    public void Several_parts_are_one_key_and_an_array_on_the_wire()
    {
        var key = RowKey.Of(Uuid, "b");
        Assert.That(key.Parts, Is.EqualTo([Uuid, "b"]));
        Assert.That(key.Count, Is.EqualTo(2));
        Assert.That(key.ToString(), Is.EqualTo($"{Uuid}/b"));
        Assert.That(WireText.Of(key), Is.EqualTo($"[\"{Uuid}\",\"b\"]"));
        Assert.That(WireText.ReadKey(WireText.Of(key)), Is.EqualTo(key));
        Assert.That(key, Is.Not.EqualTo(RowKey.Of("b", Uuid)));
    }

    [Test]
    public void An_array_of_one_is_the_key_of_one_part() => Assert.That(WireText.ReadKey($"[\"{Uuid}\"]"), Is.EqualTo(RowKey.Of(Uuid)));

    [TestCase("")]
    [TestCase("a\u001fb")]
    [TestCase("a\nb")]
    [TestCase("\0")]
    public void What_is_empty_or_holds_a_control_character_is_no_part(string part)
    {
        Assert.That(RowKey.IsValidPart(part), Is.False);
        Assert.That(() => RowKey.Of(part), Throws.ArgumentException);
        Assert.That(() => RowKey.Of("a", part), Throws.ArgumentException);
    }

    [Test]
    public void A_part_has_at_most_512_characters()
    {
        Assert.That(RowKey.IsValidPart(null), Is.False);
        Assert.That(RowKey.Of(new string('x', 512)).Text, Has.Length.EqualTo(512));
        Assert.That(() => RowKey.Of(new string('x', 513)), Throws.ArgumentException);
    }

    [TestCase("1")]
    [TestCase("null")]
    [TestCase("{}")]
    [TestCase("\"\"")]
    [TestCase("[]")]
    [TestCase("[\"a\",null]")]
    [TestCase("[\"a\",[\"b\"]]")]
    [TestCase("[\"a\",\"\"]")]
    [TestCase("\"a\\u001fb\"")]
    [TestCase("\"\\ud800\"")]
    [TestCase("[\"a\",\"\\ud800\"]")]
    [TestCase("\"\\udc00\\ud800\"")]
    public void What_is_no_key_on_the_wire_is_refused(string json) =>
        Assert.That(() => WireText.ReadKey(json), Throws.InstanceOf<JsonException>());

    [Test]
    public void Bytes_that_are_no_text_are_refused() =>
        Assert.That(() => WireText.ReadKey([(byte)'"', 0xff, (byte)'"']), Throws.InstanceOf<JsonException>());
}
