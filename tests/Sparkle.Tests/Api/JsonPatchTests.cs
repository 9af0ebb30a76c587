using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Sparkle.Api.Json;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class JsonPatchTests
{
    // The examples of RFC 6902, appendix A, by number; A.13 is a malformed document and has a test of its own.
    [TestCase("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"baz":"qux","foo":"bar"}""", TestName = "A.1 add a member")]
    [TestCase("""{"foo":["bar","baz"]}""", """[{"op":"add","path":"/foo/1","value":"qux"}]""", """{"foo":["bar","qux","baz"]}""", TestName = "A.2 add an element")]
    [TestCase("""{"baz":"qux","foo":"bar"}""", """[{"op":"remove","path":"/baz"}]""", """{"foo":"bar"}""", TestName = "A.3 remove a member")]
    [TestCase("""{"foo":["bar","qux","baz"]}""", """[{"op":"remove","path":"/foo/1"}]""", """{"foo":["bar","baz"]}""", TestName = "A.4 remove an element")]
    [TestCase("""{"baz":"qux","foo":"bar"}""", """[{"op":"replace","path":"/baz","value":"boo"}]""", """{"baz":"boo","foo":"bar"}""", TestName = "A.5 replace a value")]
    [TestCase("""{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""", """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""", """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}""", TestName = "A.6 move a value")]
    [TestCase("""{"foo":["all","grass","cows","eat"]}""", """[{"op":"move","from":"/foo/1","path":"/foo/3"}]""", """{"foo":["all","cows","eat","grass"]}""", TestName = "A.7 move an element")]
    [TestCase("""{"baz":"qux","foo":["a",2,"c"]}""", """[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]""", """{"baz":"qux","foo":["a",2,"c"]}""", TestName = "A.8 test a value")]
    [TestCase("""{"foo":"bar"}""", """[{"op":"add","path":"/child","value":{"grandchild":{}}}]""", """{"foo":"bar","child":{"grandchild":{}}}""", TestName = "A.10 add a nested object")]
    [TestCase("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux","xyz":123}]""", """{"foo":"bar","baz":"qux"}""", TestName = "A.11 ignore unknown elements")]
    [TestCase("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10}]""", """{"/":9,"~1":10}""", TestName = "A.14 escape order")]
    [TestCase("""{"foo":["bar"]}""", """[{"op":"add","path":"/foo/-","value":["abc","def"]}]""", """{"foo":["bar",["abc","def"]]}""", TestName = "A.16 add an array")]
    [TestCase("""{"a":1}""", """[{"op":"add","path":"/a","value":2}]""", """{"a":2}""", TestName = "an add replaces a member that is there")]
    [TestCase("""{"a":1}""", """[{"op":"replace","path":"","value":[]}]""", """[]""", TestName = "the whole document is replaced")]
    [TestCase("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/a/c"}]""", """{"a":{"b":1,"c":{"b":1}}}""", TestName = "a copy goes into itself")]
    [TestCase("""{"a":{"b":1}}""", """[{"op":"move","from":"/a/b","path":"/a"}]""", """{"a":1}""", TestName = "a move replaces its parent")]
    [TestCase("""{"a":1}""", """[{"op":"move","from":"/a","path":"/a"}]""", """{"a":1}""", TestName = "a move to where it is changes nothing")]
    [TestCase("""{"":1,"b":2}""", """[{"op":"remove","path":"/"}]""", """{"b":2}""", TestName = "a member without a name")]
    [TestCase("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/0","value":null}]""", """{"a":[null,2]}""", TestName = "null is a value")]
    [TestCase("""{"a":1.0,"b":1e2}""", """[{"op":"test","path":"/a","value":1},{"op":"test","path":"/b","value":100}]""", """{"a":1.0,"b":1e2}""", TestName = "numbers compare by value")]
    [TestCase("""{"a":{"x":1,"y":[2]}}""", """[{"op":"test","path":"/a","value":{"y":[2],"x":1}}]""", """{"a":{"x":1,"y":[2]}}""", TestName = "members have no order")]
    public void A_patch_makes_the_document(string document, string patch, string expected)
    {
        var before = Json(document);
        var result = JsonPatch.Apply(before, JsonPatch.Read((JArray)Json(patch)));
        Assert.That(JsonPatch.AreEqual(result!, Json(expected)), Is.True, result!.ToString());
        Assert.That(JsonPatch.AreEqual(before, Json(document)), Is.True, "The document itself was changed.");
    }

    [TestCase("""{"baz":"qux"}""", """[{"op":"test","path":"/baz","value":"bar"}]""", "test-failed", TestName = "A.9 a test fails")]
    [TestCase("""{"foo":"bar"}""", """[{"op":"add","path":"/baz/bat","value":"qux"}]""", "patch-failed", TestName = "A.12 add to a parent that is not there")]
    [TestCase("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":"10"}]""", "test-failed", TestName = "A.15 a text is no number")]
    [TestCase("""{"a":[1]}""", """[{"op":"add","path":"/a/2","value":1}]""", "patch-failed", TestName = "an index beyond the end")]
    [TestCase("""{"a":[1]}""", """[{"op":"remove","path":"/a/1"}]""", "patch-failed", TestName = "no element after the last")]
    [TestCase("""{"a":[1]}""", """[{"op":"remove","path":"/a/-"}]""", "patch-failed", TestName = "the place after the last holds nothing")]
    [TestCase("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/01","value":1}]""", "patch-failed", TestName = "a leading zero is no index")]
    [TestCase("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/+1","value":1}]""", "patch-failed", TestName = "a sign is no index")]
    [TestCase("""{"a":[1,2]}""", """[{"op":"replace","path":"/a/99999999999","value":1}]""", "patch-failed", TestName = "an index beyond all integers")]
    [TestCase("""{"a":1}""", """[{"op":"replace","path":"/b","value":1}]""", "patch-failed", TestName = "replace what is not there")]
    [TestCase("""{"a":1}""", """[{"op":"remove","path":"/b"}]""", "patch-failed", TestName = "remove what is not there")]
    [TestCase("""{"a":{"b":1}}""", """[{"op":"move","from":"/a","path":"/a/b"}]""", "patch-failed", TestName = "a move into its own child")]
    [TestCase("""{"a":1}""", """[{"op":"add","path":"/a/b","value":1}]""", "patch-failed", TestName = "add below a number")]
    [TestCase("""{"a":1}""", """[{"op":"copy","from":"/b","path":"/c"}]""", "patch-failed", TestName = "copy what is not there")]
    [TestCase("""{"a":1}""", """[{"op":"remove","path":""},{"op":"add","path":"/a","value":1}]""", "patch-failed", TestName = "nothing can be added to no document")]
    [TestCase("""{}""", """[{"op":"add","path":"a","value":1}]""", "malformed-patch", TestName = "a path without a slash")]
    [TestCase("""{}""", """[{"op":"add","path":"/a~2","value":1}]""", "malformed-patch", TestName = "an escape that is none")]
    [TestCase("""{}""", """[{"op":"add","path":"/a~","value":1}]""", "malformed-patch", TestName = "half an escape")]
    [TestCase("""{}""", """[{"op":"add","path":"/a"}]""", "malformed-patch", TestName = "an add without a value")]
    [TestCase("""{}""", """[{"op":"move","path":"/a"}]""", "malformed-patch", TestName = "a move without a from")]
    [TestCase("""{}""", """[{"op":"spam","path":"/a"}]""", "malformed-patch", TestName = "an unknown operation")]
    [TestCase("""{}""", """["add"]""", "malformed-patch", TestName = "an operation that is no object")]
    public void A_patch_is_refused(string document, string patch, string kind)
    {
        var exception = Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Json(document), JsonPatch.Read((JArray)Json(patch))));
        Assert.That(exception!.Kind.Name, Is.EqualTo(kind), exception.Message);
    }

    [Test]
    public void Copies_of_copies_do_not_fill_the_memory()
    {
        var wide = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"op":"copy","from":"/a","path":"/a/-"}"""));
        Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Json("""{"a":[1]}"""), JsonPatch.Read((JArray)Json($"[{wide}]"))));
        var flat = string.Join(',', Enumerable.Range(0, 200_000).Select(i => """{"op":"copy","from":"/a","path":"/b"}"""));
        Assert.Throws<JsonPatchException>(() => JsonPatch.Apply(Json("""{"a":1}"""), JsonPatch.Read((JArray)Json($"[{flat}]"))));
    }

    [TestCase("{\"a\":1,\"a\":2}")]
    [TestCase("{\"a\":1,\"\\u0061\":2}")]
    [TestCase("{} {}")]
    [TestCase("{}x")]
    [TestCase("")]
    [TestCase("  ")]
    [TestCase("{'a':1}")]
    [TestCase("{a:1}")]
    [TestCase("[1,]")]
    [TestCase("// no\n1")]
    [TestCase("NaN")]
    [TestCase("Infinity")]
    [TestCase("01")]
    [TestCase("0x10")]
    [TestCase("1e999")]
    [TestCase("\"\\ud800\"")]
    [TestCase("\"\\u0000\"")]
    [TestCase("\"\n\"")]
    [TestCase("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    public void What_is_no_json_is_refused_with_its_place(string text)
    {
        var exception = Assert.Throws<MalformedJsonException>(() => Json(text));
        Assert.That(exception!.Message, Does.Match(@"Line \d+, byte \d+\.$"));
    }

    [Test]
    public void Bytes_that_are_no_utf8_are_refused() =>
        Assert.Throws<MalformedJsonException>(() => StrictJson.Parse([(byte)'"', 0xff, 0xfe, (byte)'"']));

    [Test]
    public void Texts_that_look_like_times_stay_texts() =>
        Assert.That(Json("\"2026-01-01T00:00:00Z\"").Type, Is.EqualTo(JTokenType.String));

    private static JToken Json(string text) => StrictJson.Parse(Encoding.UTF8.GetBytes(text));
}
