using System.Text.Json;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

[TestFixture]
public sealed class TextListTests
{
    [Test]
    public void Lists_compare_by_value_and_order()
    {
        var list = TextList.Of(["a", "b"]);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(list, Is.EqualTo(TextList.Of(["a", "b"])));
            Assert.That(list.GetHashCode(), Is.EqualTo(TextList.Of(["a", "b"]).GetHashCode()));
            Assert.That(list.Equals(TextList.Of(["b", "a"])), Is.False);
            Assert.That(list.Equals(TextList.Of(["a"])), Is.False);
            Assert.That(list.Equals(null), Is.False);
            Assert.That(TextList.Of([]), Is.SameAs(TextList.Empty));
        }
    }

    [TestCase("[]")]
    [TestCase("""["a","b"]""")]
    public void A_list_reads_back_as_it_was_written(string json) =>
        Assert.That(JsonSerializer.Serialize(Read(json), RowJson.Options), Is.EqualTo(json));

    [TestCase("""["a",null]""")]
    [TestCase("[null]")]
    [TestCase("""["a",1]""")]
    [TestCase("""["a",["b"]]""")]
    [TestCase("""["\ud800"]""")]
    [TestCase("""["a",""")]
    [TestCase("\"a\"")]
    [TestCase("{}")]
    public void What_is_no_list_of_texts_is_refused(string json) =>
        Assert.That(() => Read(json), Throws.InstanceOf<JsonException>());

    private static TextList? Read(string json) => JsonSerializer.Deserialize<TextList>(json, RowJson.Options);
}
