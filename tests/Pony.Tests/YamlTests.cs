using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Pony.Files;

namespace PonyCloud.Pony.Tests;

/// <summary>YAML says what it says in the other programs of this world, and what is written is read back as the same.</summary>
internal sealed class YamlTests
{
    [TestCase("a: 1", "{\"a\":1}")]
    [TestCase("a: 007", "{\"a\":7}")]
    [TestCase("a: 0x1F", "{\"a\":31}")]
    [TestCase("a: 12345678901234567890123", "{\"a\":12345678901234567890123}")]
    [TestCase("a: 1.50", "{\"a\":1.50}")]
    [TestCase("a: no", "{\"a\":\"no\"}")]
    [TestCase("a: on", "{\"a\":\"on\"}")]
    [TestCase("a: true", "{\"a\":true}")]
    [TestCase("a: 'true'", "{\"a\":\"true\"}")]
    [TestCase("a: \"1\"", "{\"a\":\"1\"}")]
    [TestCase("a: ~", "{\"a\":null}")]
    [TestCase("a:", "{\"a\":null}")]
    [TestCase("a: 12:30:45", "{\"a\":\"12:30:45\"}")]
    [TestCase("a: 2026-01-01", "{\"a\":\"2026-01-01\"}")]
    [TestCase("a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}")]
    [TestCase("a: [1, x]\nb: {c: d}", "{\"a\":[1,\"x\"],\"b\":{\"c\":\"d\"}}")]
    [TestCase("# a comment\n---\na: b # and another\n...\n", "{\"a\":\"b\"}")]
    [TestCase("{\"a\": \"\\u00e9\\n\", \"b\": [null, -1e3]}", "{\"a\":\"é\\n\",\"b\":[null,-1e3]}")]
    public void A_document_means_this_json(string yaml, string json) =>
        Assert.That(JsonNode.DeepEquals(DocumentFile.Parse("f", yaml).Root, JsonNode.Parse(json)), DocumentFile.Parse("f", yaml).Root.ToJsonString());

    [TestCase("", "f: is empty|f:0: is empty")]
    [TestCase("a: 1\na: 2", "f:2: has \"a\" twice")]
    [TestCase("- a", "f:1: must be an object")]
    [TestCase("a: &x 1\nb: *x", "f:1: has an anchor")]
    [TestCase("a: !!binary aGk=", "f:1: has a tag")]
    [TestCase("a: 1\n---\nb: 2", "second document")]
    [TestCase("a: [1", "f:")]
    [TestCase("a: 1\n b: 2", "f:2:")]
    [TestCase("[a]: 1", "f:1: ")]
    public void What_makes_no_sense_is_told_by_its_line(string yaml, string why)
    {
        var exception = Assert.Throws<PonyException>(() => DocumentFile.Parse("f", yaml))!;
        Assert.That(exception.Code, Is.EqualTo(ExitCode.Usage));
        Assert.That(why.Split('|').Any(part => exception.Message.Contains(part, StringComparison.Ordinal)), exception.Message);
    }

    [Test]
    public void A_document_that_nests_without_end_is_refused()
    {
        var exception = Assert.Throws<PonyException>(() => DocumentFile.Parse("f", "a: " + new string('[', 100) + new string(']', 100)))!;
        Assert.That(exception.Message, Does.Contain("too deeply"));
    }

    [TestCase("{}")]
    [TestCase("{\"a\":{},\"b\":[],\"c\":null,\"d\":[[1,[2]],{\"x\":[{\"y\":1}]}]}")]
    [TestCase("{\"a\":\"true\",\"b\":\"null\",\"c\":\"12\",\"d\":\"\",\"e\":\" x \",\"f\":\"~\",\"g\":\"0x1\",\"h\":\".5\"}")]
    [TestCase("{\"a\":\"x\\ny\",\"b\":\"x\\n\",\"c\":\"\\n x\",\"d\":\"tab\\there\",\"e\":\"\\u001b[2J\",\"f\":\"x\\n\\n\",\"g\":\"x \\ny\"}")]
    [TestCase("{\"a\":\"- x\",\"b\":\"# x\",\"c\":\"x: y\",\"d\":\"{x}\",\"e\":\"*x\",\"f\":\"&x\",\"g\":\"!x\",\"h\":\"'\",\"i\":\"é☂\",\"j\":\"---\"}")]
    [TestCase("{\"1\":1,\"true\":true,\"- x\":1.0,\"\":0}")]
    public void What_is_written_is_read_back_as_the_same(string json)
    {
        var writer = new StringWriter();
        YamlWriter.Write(writer, JsonNode.Parse(json));
        Assert.That(JsonNode.DeepEquals(DocumentFile.Parse("f", writer.ToString()).Root, JsonNode.Parse(json)), writer.ToString());
    }
}
