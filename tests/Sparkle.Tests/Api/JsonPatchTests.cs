using System.Text;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
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
        var result = Apply(before, Json(patch));
        Assert.That(JsonPatch.AreEqual(result!, Json(expected)), Is.True, result!.ToString());
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
        var exception = Assert.Throws<PatchFailedException>(() => Apply(Json(document), Json(patch)));
        Assert.That(exception!.Kind.Name, Is.EqualTo(kind), exception.Message);
    }

    // The examples of RFC 7396, appendix A, and of its section 3.
    [TestCase("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [TestCase("""{"a":"b"}""", """{"a":null}""", """{}""")]
    [TestCase("""{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""")]
    [TestCase("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [TestCase("""{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""")]
    [TestCase("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [TestCase("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [TestCase("""["a","b"]""", """["c","d"]""", """["c","d"]""")]
    [TestCase("""{"a":"b"}""", """["c"]""", """["c"]""")]
    [TestCase("""{"a":"foo"}""", "null", "null")]
    [TestCase("""{"a":"foo"}""", "\"bar\"", "\"bar\"")]
    [TestCase("""{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""")]
    [TestCase("""[1,2]""", """{"a":"b","c":null}""", """{"a":"b"}""")]
    [TestCase("""{}""", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    [TestCase(
        """{"title":"Goodbye!","author":{"givenName":"John","familyName":"Doe"},"tags":["example","sample"],"content":"This will be unchanged"}""",
        """{"title":"Hello!","phoneNumber":"+01-123-456-7890","author":{"familyName":null},"tags":["example"]}""",
        """{"title":"Hello!","author":{"givenName":"John"},"tags":["example"],"content":"This will be unchanged","phoneNumber":"+01-123-456-7890"}""")]
    public void A_merge_patch_makes_the_document(string document, string patch, string expected)
    {
        var result = MergePatch.Apply(Json(document), Json(patch));
        Assert.That(JsonPatch.AreEqual(result, Json(expected)), Is.True, result.ToString());
    }

    [TestCase("""{"a":{"b":1}}""", "/a", """{"c":{"d":null,"e":2}}""", """{"a":{"b":1,"c":{"e":2}}}""")]
    [TestCase("""{"a":{"b":1}}""", "", """{"a":null}""", """{}""")]
    [TestCase("""{"a":1}""", "/b", "null", """{"a":1}""")]
    [TestCase("""{"a":1}""", "/b", "[null]", """{"a":1,"b":[null]}""")]
    [TestCase("""{"a":[{"b":1},2]}""", "/a/0", """{"c":3}""", """{"a":[{"b":1,"c":3},2]}""")]
    public void A_merge_is_one_operation_of_a_patch(string document, string path, string value, string expected)
    {
        var result = Apply(Json(document), Json($$"""[{"op":"x-merge","path":"{{path}}","value":{{value}}}]"""));
        Assert.That(JsonPatch.AreEqual(result!, Json(expected)), Is.True, result!.ToString());
    }

    [Test]
    public void A_large_value_is_not_moved_to_and_fro_for_ever()
    {
        var value = string.Join(',', Enumerable.Range(0, 20_000));
        var moves = string.Join(',', Enumerable.Range(0, 100).Select(i => $$"""{"op":"move","from":"/{{(i % 2 == 0 ? 'a' : 'b')}}","path":"/{{(i % 2 == 0 ? 'b' : 'a')}}"}"""));
        Assert.Throws<PatchFailedException>(() => Apply(Json($$"""{"a":[{{value}}]}"""), Json($"[{moves}]")));
    }

    [Test]
    public void Copies_of_copies_do_not_fill_the_memory()
    {
        var wide = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"op":"copy","from":"/a","path":"/a/-"}"""));
        Assert.Throws<PatchFailedException>(() => Apply(Json("""{"a":[1]}"""), Json($"[{wide}]")));
        var flat = string.Join(',', Enumerable.Range(0, 200_000).Select(i => """{"op":"copy","from":"/a","path":"/b"}"""));
        Assert.Throws<PatchFailedException>(() => Apply(Json("""{"a":1}"""), Json($"[{flat}]")));
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

    private static JToken? Apply(JToken document, JToken patch)
    {
        var errors = new List<FieldError>();
        var operations = JsonPatch.Read((JArray)patch, errors);
        if (errors.Count > 0)
            throw new PatchFailedException(errors[0].Detail, errors[0].Kind);
        var patched = new PatchedDocument(document);
        foreach (var operation in operations)
            patched.Apply(operation);
        return patched.Root;
    }

    private static JToken Json(string text) => StrictJson.Parse(Encoding.UTF8.GetBytes(text));
}
