using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Pony.Tests;

/// <summary>Tables to the letter, of an entity that nobody will change.</summary>
internal sealed class TableTests
{
    private const string Schema = """
        {
          "entities": {
            "boat": {
              "summary": "Floats.",
              "desired": {"columns": [
                {"name": "uuid", "kind": "uuid", "required": true},
                {"name": "name", "kind": "text", "required": true},
                {"name": "state", "kind": "enumeration", "values": ["afloat", "ashore"], "default": "ashore"},
                {"name": "length", "kind": "integer", "required": true},
                {"name": "flags", "kind": "text-list", "default": []},
                {"name": "sails", "kind": "boolean", "default": false},
                {"name": "harbour", "kind": "text", "nullable": true},
                {"name": "motto", "kind": "text", "required": true}
              ]},
              "current": {"columns": [
                {"name": "uuid", "kind": "uuid"},
                {"name": "status", "kind": "enumeration", "values": ["afloat", "ashore", "broken"]},
                {"name": "length", "kind": "integer"},
                {"name": "why", "kind": "text", "nullable": true}
              ]}
            },
            "line": {"current": {"columns": [{"name": "id", "kind": "text"}, {"name": "depth", "kind": "integer"}]}}
          },
          "mounts": [
            {"path": "/boat", "entity": "boat", "key_column": "uuid", "writable": true},
            {"path": "/line", "entity": "line", "key_column": "id"}
          ]
        }
        """;

    private const string Rows = """
        {
          "11111111-0000-4000-8000-000000000001": {
            "desired": {"name": "argo", "state": "afloat", "length": 30, "flags": ["red", "blue"], "sails": false, "harbour": "iolcus", "motto": "for the golden fleece and for nothing else at all"},
            "current": {"status": "afloat", "length": 29}
          },
          "11111111-0000-4000-8000-000000000002": {
            "desired": {"name": "beagle", "state": "afloat", "length": 27, "flags": [], "sails": false, "motto": "-"},
            "current": {"status": "ashore", "why": "the tide\u001b[2J is out"},
            "stale_since": "2026-01-01T00:00:00Z"
          },
          "11111111-0000-4000-8000-000000000003": {"desired": {"name": "cutty", "state": "ashore", "length": 65, "flags": [], "sails": false, "motto": ""}}
        }
        """;

    private readonly Catalog _catalog = Catalog.Read(JsonNode.Parse(Schema)!.AsObject());

    [Test]
    public void Without_a_terminal_nothing_is_cut()
    {
        Assert.That(Written(int.MaxValue), Is.EqualTo("""
            NAME    STATE   LENGTH  FLAGS     MOTTO                                              STATUS              WHY                  UUID
            argo    afloat  30      red,blue  for the golden fleece and for nothing else at all  afloat                                   11111111-0000-4000-8000-000000000001
            beagle  afloat  27                -                                                  ashore (5 min ago)  the tide�[2J is out  11111111-0000-4000-8000-000000000002
            cutty   ashore  65                                                                   -                                        11111111-0000-4000-8000-000000000003

            """));
    }

    [Test]
    public void A_narrower_terminal_loses_columns_from_the_right_and_keeps_what_matters()
    {
        Assert.That(Written(100), Is.EqualTo("""
            NAME    STATE   LENGTH  FLAGS     STATUS              UUID
            argo    afloat  30      red,blue  afloat              11111111-0000-4000-8000-000000000001
            beagle  afloat  27                ashore (5 min ago)  11111111-0000-4000-8000-000000000002
            cutty   ashore  65                -                   11111111-0000-4000-8000-000000000003

            """));
    }

    [Test]
    public void The_narrowest_terminal_cuts_what_is_left_and_never_the_key()
    {
        Assert.That(Written(64), Is.EqualTo("""
            NAME    STATE   STATUS      UUID
            argo    afloat  afloat      11111111-0000-4000-8000-000000000001
            beagle  afloat  ashore (5…  11111111-0000-4000-8000-000000000002
            cutty   ashore  -           11111111-0000-4000-8000-000000000003

            """));
    }

    [Test]
    public void As_ordered_is_green_and_what_is_old_or_on_its_way_is_not()
    {
        var text = Written(80, colors: true);
        Assert.That(text, Does.Contain("\u001b[32mafloat\u001b[0m").And.Contain("\u001b[33mashore (5 min ago)\u001b[0m").And.Not.Contain("\u001b[2J"));
    }

    [Test]
    public void Rows_without_a_name_begin_with_their_key()
    {
        var output = new StringWriter();
        var rows = JsonNode.Parse("""{"a": {"current": {"id": "a", "depth": 3}}, "b": {"current": {"id": "b", "depth": 12}}}""")!.AsObject();
        new Table(TerminalOf(output, 80, colors: false)).Write(Column.Choose(_catalog.Root("line")!, rows), [.. rows]);
        Assert.That(output.ToString(), Is.EqualTo("ID  DEPTH\na   3\nb   12\n"));
    }

    [Test]
    public void One_row_shows_what_is_ordered_beside_what_is()
    {
        var output = new StringWriter();
        var (key, row) = JsonNode.Parse(Rows)!.AsObject().First();
        RowView.Write(TerminalOf(output, 80, colors: false), _catalog.Root("boat")!, key, row!);
        Assert.That(output.ToString(), Is.EqualTo("""
            boat argo
            uuid     11111111-0000-4000-8000-000000000001

                     desired                                            current
            name     argo
            state    afloat
            length   30                                                 29
            flags    red,blue
            sails    false
            harbour  iolcus
            motto    for the golden fleece and for nothing else at all
            status                                                      afloat

            """));
    }

    [TestCase(0, "0 s")]
    [TestCase(59, "59 s")]
    [TestCase(61, "1 min")]
    [TestCase(3 * 3600, "3 h")]
    [TestCase(100 * 3600, "4 d")]
    [TestCase(-5, "0 s")]
    public void An_age_has_one_unit(int seconds, string text) => Assert.That(Cell.Age(TimeSpan.FromSeconds(seconds)), Is.EqualTo(text));

    [TestCase("{}")]
    [TestCase("{\"entities\":{},\"mounts\":[{\"path\":\"/a\",\"entity\":\"b\"}]}")]
    [TestCase("{\"entities\":[],\"mounts\":[]}")]
    [TestCase("{\"entities\":{\"a\":{\"desired\":{\"columns\":[{\"name\":3}]}}},\"mounts\":[]}")]
    public void What_is_no_schema_is_no_riddle(string json)
    {
        var exception = Assert.Throws<PonyException>(() => Catalog.Read(JsonNode.Parse(json)!.AsObject()))!;
        Assert.That(exception.Code, Is.EqualTo(ExitCode.Unavailable));
    }

    private string Written(int width, bool colors = false)
    {
        var output = new StringWriter();
        var rows = JsonNode.Parse(Rows)!.AsObject();
        new Table(TerminalOf(output, width, colors)).Write(Column.Choose(_catalog.Root("boat")!, rows), [.. rows]);
        return output.ToString();
    }

    private static Terminal TerminalOf(TextWriter output, int width, bool colors)
    {
        var time = new SteppedTime();
        time.Advance(TimeSpan.FromSeconds(330));
        return new Terminal
        {
            Input = TextReader.Null,
            Output = output,
            Error = TextWriter.Null,
            IsOutputTerminal = colors,
            Width = width,
            Variable = _ => null,
            ReadSecretAsync = _ => Task.FromResult(""),
            Time = time,
        };
    }
}
