using System.Text.Json;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

[TestFixture]
public sealed class LongRangeTests
{
    [TestCase("[0,1)", 0, 1)]
    [TestCase("[-5,1024)", -5, 1024)]
    [TestCase("[0,9223372036854775807)", 0, long.MaxValue)]
    public void A_range_has_one_text(string text, long start, long end)
    {
        var range = LongRange.Parse(text);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(range, Is.EqualTo(new LongRange(start, end)));
            Assert.That(range.ToString(), Is.EqualTo(text));
            Assert.That(JsonSerializer.Serialize(range, RowJson.Options), Is.EqualTo($"\"{text}\""));
            Assert.That(JsonSerializer.Deserialize<LongRange>($"\"{text}\"", RowJson.Options), Is.EqualTo(range));
        }
    }

    [TestCase("")]
    [TestCase("empty")]
    [TestCase("[0,1]")]
    [TestCase("(0,2)")]
    [TestCase("[1,1)")]
    [TestCase("[2,1)")]
    [TestCase("[0,)")]
    [TestCase("[,1)")]
    [TestCase("[0, 1)")]
    [TestCase("[+0,1)")]
    [TestCase("[00,1)")]
    [TestCase("[0,1,2)")]
    [TestCase("[0,9223372036854775808)")]
    public void Another_text_is_none(string text)
    {
        Assert.That(LongRange.TryParse(text, out _), Is.False);
        Assert.That(() => LongRange.Parse(text), Throws.InstanceOf<FormatException>());
        Assert.That(() => JsonSerializer.Deserialize<LongRange>($"\"{text}\"", RowJson.Options), Throws.InstanceOf<JsonException>());
    }
}
