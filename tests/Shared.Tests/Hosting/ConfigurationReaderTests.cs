using NUnit.Framework;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Tests.Hosting;

[TestFixture]
public sealed class ConfigurationReaderTests
{
    private static readonly ConfigurationSchema Schema = new("PONY_",
    [
        new("messaging:endpoint", ConfigurationKind.Text, "Where.") { Default = "tcp://127.0.0.1:9850" },
        new("messaging:queue", ConfigurationKind.Integer, "How many.") { Default = "1000", Minimum = 1, Maximum = 10_000 },
        new("messaging:timeout", ConfigurationKind.Duration, "How long.") { Default = "4", Minimum = 0.5 },
        new("messaging:curve", ConfigurationKind.Boolean, "Whether.") { Default = "false" },
        new("ratio", ConfigurationKind.Real, "How much.") { Default = "1.5" },
        new("addresses", ConfigurationKind.TextList, "Which.") { Default = "" },
        new("name", ConfigurationKind.Text, "Who.") { Check = value => (string)value == "root" ? "must not be root" : null },
        new("secret", ConfigurationKind.Text, "Hush.") { IsSecret = true, Choices = ["a", "b"] },
        .. DaemonLogging.Keys,
    ]);

    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("ponycloud-configuration-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void The_environment_overrides_the_file_and_the_file_the_defaults()
    {
        var file = Write("""{ "messaging": { "queue": 7, "endpoint": "tcp://*:1" }, /* why not */ "addresses": ["a", "b"], }""");

        var values = Read(file, ("PONY_MESSAGING__ENDPOINT", "tcp://*:2"), ("PONY_messaging__timeout", "00:01:00"), ("OTHER_X", "1"));

        Assert.That(values.Text("messaging:endpoint"), Is.EqualTo("tcp://*:2"));
        Assert.That(values.SourceOf("messaging:endpoint"), Is.EqualTo("PONY_MESSAGING__ENDPOINT"));
        Assert.That(values.Integer("messaging:queue"), Is.EqualTo(7));
        Assert.That(values.SourceOf("messaging:queue"), Is.EqualTo(file));
        Assert.That(values.Duration("messaging:timeout"), Is.EqualTo(TimeSpan.FromMinutes(1)));
        Assert.That(values.Boolean("messaging:curve"), Is.False);
        Assert.That(values.SourceOf("messaging:curve"), Is.EqualTo("default"));
        Assert.That(values.Real("ratio"), Is.EqualTo(1.5));
        Assert.That(values.TextList("addresses"), Is.EqualTo(new[] { "a", "b" }));
        Assert.That(values.TextOrNull("name"), Is.Null);
        Assert.That(values.Text("log:level"), Is.EqualTo("information"));
    }

    [TestCase("""{"messaging":{"endpont":"x"}}""", "messaging:endpont: is not a known key (in FILE)")]
    [TestCase("""{"messaging":{"endpoint":5}}""", "messaging:endpoint: must be a text (in FILE)")]
    [TestCase("""{"messaging":5}""", "messaging: must be an object (in FILE)")]
    [TestCase("""{"messaging":{"queue":"5"}}""", "messaging:queue: must be a whole number (in FILE)")]
    [TestCase("""{"messaging":{"queue":5.5}}""", "messaging:queue: must be a whole number (in FILE)")]
    [TestCase("""{"messaging":{"queue":0}}""", "messaging:queue: must be from 1 to 10000 (in FILE)")]
    [TestCase("""{"messaging":{"timeout":0.1}}""", "messaging:timeout: must be at least 0.5 seconds (in FILE)")]
    [TestCase("""{"messaging":{"timeout":"soon"}}""", "messaging:timeout: must be a time: seconds, or hh:mm:ss (in FILE)")]
    [TestCase("""{"messaging":{"timeout":1e300}}""", "messaging:timeout: must be a time: seconds, or hh:mm:ss (in FILE)")]
    [TestCase("""{"messaging":{"curve":"yes"}}""", "messaging:curve: must be true or false (in FILE)")]
    [TestCase("""{"ratio":"null"}""", "ratio: must be a number (in FILE)")]
    [TestCase("""{"addresses":["a",1]}""", "addresses: must be a list of texts (in FILE)")]
    [TestCase("""{"name":"root"}""", "name: must not be root (in FILE)")]
    [TestCase("""{"name":"a","NAME":"b"}""", "NAME: stands twice (in FILE)")]
    [TestCase("""{"secret":"hunter2"}""", "secret: must be one of a, b (in FILE)")]
    [TestCase("[]", "FILE: must be a JSON object")]
    public void A_mistake_in_the_file_names_the_key_and_the_file(string json, string problem)
    {
        var file = Write(json);

        Assert.That(Problems(file), Is.EqualTo(new[] { problem.Replace("FILE", file, StringComparison.Ordinal) }));
    }

    [TestCase("PONY_MESSAGING__QUEUE", "many", "messaging:queue: must be a whole number (in PONY_MESSAGING__QUEUE)")]
    [TestCase("PONY_MESSAGING__QEUE", "5", "messaging:qeue: is not a known key (in PONY_MESSAGING__QEUE)")]
    [TestCase("PONY_LOG__LEVEL", "loud", "log:level: must be one of trace, debug, information, warning, error, critical (in PONY_LOG__LEVEL)")]
    [TestCase("PONY_RATIO", "NaN", "ratio: must be a number (in PONY_RATIO)")]
    public void A_mistake_in_the_environment_names_the_key_and_the_variable(string variable, string value, string problem) =>
        Assert.That(Problems(null, (variable, value)), Is.EqualTo(new[] { problem }));

    [Test]
    public void Malformed_JSON_gives_file_and_line()
    {
        var file = Write("{\n  \"ratio\": 1,\n  \"name\" 2\n}");

        Assert.That(Problems(file), Has.One.StartsWith($"{file}:3: is not JSON: "));
    }

    [Test]
    public void A_missing_file_is_named() =>
        Assert.That(Problems(Path.Combine(_directory, "none.json")), Has.One.Contains("none.json: cannot be read"));

    [Test]
    public void All_mistakes_are_told_at_once()
    {
        var file = Write("""{"ratio":"x","unknown":1}""");

        Assert.That(Problems(file, ("PONY_NAME", "root")), Is.EqualTo(new[]
        {
            $"ratio: must be a number (in {file})",
            $"unknown: is not a known key (in {file})",
            "name: must not be root (in PONY_NAME)",
        }));
    }

    [Test]
    public void A_required_key_that_is_wrong_is_not_also_missing()
    {
        var schema = new ConfigurationSchema("PONY_", [new("n", ConfigurationKind.Integer, "") { IsRequired = true }]);

        Assert.That(
            () => ConfigurationReader.Read(schema, null, []),
            Throws.TypeOf<ConfigurationException>().With.Property("Problems").EqualTo(new[] { "n: is required (set it in the file, or PONY_N)" }));
        Assert.That(
            () => ConfigurationReader.Read(schema, null, [KeyValuePair.Create("PONY_N", "x")]),
            Throws.TypeOf<ConfigurationException>().With.Property("Problems").EqualTo(new[] { "n: must be a whole number (in PONY_N)" }));
    }

    [Test]
    public void The_list_of_keys_tells_everything_but_secrets()
    {
        var text = new ConfigurationSchema("PONY_", [.. Schema.Keys, new("key", ConfigurationKind.Text, "K.") { IsSecret = true, Default = "hunter2" }]).Describe();

        Assert.That(text, Does.Contain("messaging:queue").And.Contain("from 1 to 10000; default 1000; PONY_MESSAGING__QUEUE"));
        Assert.That(text, Does.Not.Contain("hunter2"));
    }

    [Test]
    public void A_schema_that_contradicts_itself_is_refused()
    {
        ConfigurationKey key = new("a", ConfigurationKind.Integer, "");

        Assert.That(() => new ConfigurationSchema("P_", [key, key]), Throws.ArgumentException);
        Assert.That(() => new ConfigurationSchema("P_", [key, key with { Name = "a:b" }]), Throws.ArgumentException);
        Assert.That(() => new ConfigurationSchema("P_", [key with { Default = "x" }]), Throws.ArgumentException);
    }

    [Test]
    public void A_value_is_read_as_what_it_was_declared_only()
    {
        var values = Read(null);

        Assert.That(() => values.Text("ratio"), Throws.InvalidOperationException);
        Assert.That(() => values.Text("no:such"), Throws.InvalidOperationException);
        Assert.That(() => values.Text("name"), Throws.InvalidOperationException);
    }

    [Test]
    public void A_key_that_is_written_as_null_is_not_set()
    {
        var values = Read(Write("""{ "name": null, "messaging": { "queue": null } }"""));

        Assert.That(values.TextOrNull("name"), Is.Null);
        Assert.That(values.SourceOf("messaging:queue"), Is.EqualTo("default"));
    }

    private string Write(string json)
    {
        var file = Path.Combine(_directory, "pony.json");
        File.WriteAllText(file, json);
        return file;
    }

    private static ConfigurationValues Read(string? file, params (string Name, string Value)[] environment) =>
        ConfigurationReader.Read(Schema, file, environment.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));

    private static IReadOnlyList<string> Problems(string? file, params (string Name, string Value)[] environment) =>
        Assert.Throws<ConfigurationException>(() => Read(file, environment))!.Problems;
}
