using System.Text.Json;
using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

[TestFixture]
public sealed class JsonTextTests
{
    [TestCase("""{ "b" : [1, 2.50, null] , "a":"x" }""", """{"b":[1,2.50,null],"a":"x"}""")]
    [TestCase(" 1e3 ", "1e3")]
    [TestCase("\"\\u0000\"", "\"\\u0000\"")]
    [TestCase("null", "null")]
    public void A_value_is_kept_compact_and_otherwise_as_it_is(string text, string compact)
    {
        Assert.That(JsonText.Parse(text).Text, Is.EqualTo(compact));
        Assert.That(JsonText.Parse(text), Is.EqualTo(JsonText.Parse(compact)));
        Assert.That(JsonText.Parse(text).ToString(), Is.EqualTo(compact));
    }

    [TestCase("")]
    [TestCase("{")]
    [TestCase("1 2")]
    [TestCase("{a:1}")]
    [TestCase("\"\\ud800\"")]
    [TestCase("[\"\\udc00\\ud800\"]")]
    [TestCase("{\"\\ud800\":1}")]
    public void What_is_no_value_is_refused(string text)
    {
        Assert.That(() => JsonText.Parse(text), Throws.InstanceOf<JsonException>());
        Assert.That(() => JsonSerializer.Deserialize<JsonText>(text, RowJson.Options), Throws.InstanceOf<JsonException>());
    }

    [Test]
    public void Half_a_surrogate_pair_is_refused_even_when_it_is_not_escaped() =>
        Assert.That(() => JsonText.Parse("\"\ud800\""), Throws.InstanceOf<JsonException>());
}
