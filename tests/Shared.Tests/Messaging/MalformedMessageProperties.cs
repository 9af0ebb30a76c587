using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;

namespace PonyCloud.Shared.Tests.Messaging;

/// <summary>Whatever a peer sends, a message comes out of it or the one exception that says that there is none.</summary>
[TestFixture]
public sealed class MalformedMessageProperties
{
    private const string Uuid = "9ece4546-1199-42b0-acf5-1b68f393683a";

    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private static readonly string[] Messages =
    [
        """
        {"event":"twilight-update-state","uuid":"UUID","incarnation":"i","seq":7,"stream":"p:1","changes":[
        ["host_instance",["UUID","UUID"],"current",{"host":"UUID","instance":"UUID","status":"running","why":"a"}],
        ["host","UUID","current",null]]}
        """.Replace("UUID", Uuid, StringComparison.Ordinal),
        """
        {"event":"sparkle-update-state","incarnation":"i","seq":0,"changes":[
        ["cpu_profile","UUID","desired",{"uuid":"UUID","name":"a","model":"b","features":["c","d"]}],
        ["config","k","desired",{"key":"k","value":{"x":[1]}}]]}
        """.Replace("UUID", Uuid, StringComparison.Ordinal),
        """
        {"event":"twilight-resync","uuid":"UUID","stream":"p:1"}
        """.Replace("UUID", Uuid, StringComparison.Ordinal),
        """
        {"event":"twilight-notify","uuid":"UUID","type":"t","severity":"info","instance":"UUID",
        "time":"2026-01-02T03:04:05Z","data":{"a":["b",1]}}
        """.Replace("UUID", Uuid, StringComparison.Ordinal),
    ];

    // Written in place of some value of a message: every kind of value, and texts and numbers that readers stumble over.
    private static readonly string[] Strange =
    [
        "null", "true", "0", "-1", "1.5", "1e999", "99999999999999999999", "\"\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\"",
        "\"a\\u001fb\"", "[]", "{}", "[null]", "[\"\\ud800\"]", "{\"\\ud800\":\"\\ud800\"}", "{\"a\":1,\"a\":2}", "\"running\"",
        "\"0001-01-01T00:00:00+14:00\"", "\"9999-12-31T23:59:59-14:00\"", "\":1\"", "\"p:99999999999999999999\"", $"\"{Uuid}\"",
    ];

    [Test]
    public void A_strange_value_in_any_place_is_a_message_or_is_refused() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3_000),
        Prop.ForAll(Arb.From(
            from message in Gen.Elements(Messages)
            from place in Gen.Choose(0, 40)
            from strange in Gen.Elements(Strange)
            select Replaced(message, place, strange)),
            json => Decode(Encoding.UTF8.GetBytes(json))));

    [Test]
    public void A_damaged_byte_in_any_place_is_a_message_or_is_refused() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3_000),
        Prop.ForAll(Arb.From(
            from message in Gen.Elements(Messages)
            from place in Gen.Choose(0, 400)
            from value in Gen.Choose(0, 255)
            select (message, place, value)),
            damage =>
            {
                var body = Encoding.UTF8.GetBytes(damage.message);
                body[damage.place % body.Length] = (byte)damage.value;
                Decode(body);
            }));

    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":0,"changes":[["config","\ud800","desired",null]]}""")]
    [TestCase("""{"event":"sparkle-update-state","incarnation":"i","seq":0,"changes":[["config","k","desired",{"key":"k","value":"\ud800"}]]}""")]
    [TestCase("""{"event":"sparkle-resync","stream":"\ud800:1"}""")]
    [TestCase("""{"event":"\ud800"}""")]
    [TestCase("""{"\ud800":1,"event":"sparkle-resync"}""")]
    public void Half_a_surrogate_pair_is_refused(string json) =>
        Assert.That(
            () => new MessageCodec(EntityCatalog.Load()).Decode(Encoding.UTF8.GetBytes(json)),
            Throws.TypeOf<MalformedMessageException>());

    private static void Decode(byte[] body)
    {
        try
        {
            Assert.That(new MessageCodec(Catalog).Decode(body), Is.Not.Null);
        }
        catch (MalformedMessageException e)
        {
            Assert.That(e.Message, Is.Not.Empty);
        }
    }

    private static string Replaced(string message, int place, string strange)
    {
        const string Mark = "here goes something strange";
        var root = JsonNode.Parse(message)!;
        var nodes = Descendants(root).ToList();
        nodes[place % nodes.Count].ReplaceWith(Mark);
        return root.ToJsonString().Replace($"\"{Mark}\"", strange, StringComparison.Ordinal);
    }

    private static IEnumerable<JsonNode> Descendants(JsonNode node)
    {
        IEnumerable<JsonNode?> children = node switch
        {
            JsonObject fields => fields.Select(field => field.Value),
            JsonArray items => items,
            _ => [],
        };
        return children.OfType<JsonNode>().SelectMany(child => Descendants(child).Prepend(child));
    }
}
