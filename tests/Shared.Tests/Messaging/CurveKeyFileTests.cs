using NUnit.Framework;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Messaging;

[TestFixture]
public sealed class CurveKeyFileTests
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private TemporaryDirectory _directory = null!;

    private string Path => _directory["keys/curve.key"];

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory("key");

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public void A_key_is_made_once_for_its_owner_alone()
    {
        var made = CurveKeyFile.ReadOrMake(Path);
        var read = CurveKeyFile.ReadOrMake(Path);

        Assert.That(read.PublicKey, Is.EqualTo(made.PublicKey));
        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(OwnerOnly));
        Assert.That(File.ReadAllText(Path), Is.EqualTo(made.ExportSecret() + "\n"));
        Assert.That(Directory.GetFiles(_directory["keys"]), Has.Length.EqualTo(1), "no draft is left");
    }

    [Test]
    public async Task Whoever_starts_at_once_has_the_same_key()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => CurveKeyFile.ReadOrMake(Path).PublicKey)));

        Assert.That(keys.Distinct().ToList(), Has.Count.EqualTo(1));
        Assert.That(Directory.GetFiles(_directory["keys"]), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_key_without_an_end_of_line_is_a_key()
    {
        var keys = CurveKeys.Generate();
        Write(keys.ExportSecret(), OwnerOnly);

        Assert.That(CurveKeyFile.ReadOrMake(Path).PublicKey, Is.EqualTo(keys.PublicKey));
    }

    [TestCase(OwnerOnly | UnixFileMode.GroupRead)]
    [TestCase(OwnerOnly | UnixFileMode.OtherRead)]
    [TestCase(OwnerOnly | UnixFileMode.OtherWrite)]
    public void A_key_that_others_can_reach_is_refused(UnixFileMode mode)
    {
        var secret = CurveKeys.Generate().ExportSecret();
        Write(secret, mode);

        Assert.That(() => CurveKeyCommand.Load(Path), Throws.TypeOf<ConfigurationException>()
            .With.Message.Contains(CurveKeyCommand.KeyFile).And.Message.Contains("0600").And.Message.Not.Contains(secret));
    }

    [TestCase("", TestName = "An_empty_file_is_no_key")]
    [TestCase("too short", TestName = "A_short_line_is_no_key")]
    [TestCase("0123456789012345678901234567890123456789\n\n", TestName = "A_second_line_is_no_key")]
    [TestCase("0123456789012345678901234567890123456789012345", TestName = "A_long_line_is_no_key")]
    [TestCase("012345678901234567890123456789012345678~", TestName = "What_is_not_Z85_is_no_key")]
    public void What_is_no_key_is_refused_and_neither_shown_nor_replaced(string content)
    {
        Write(content, OwnerOnly);

        Assert.That(() => CurveKeyCommand.Load(Path), Throws.TypeOf<ConfigurationException>().With.Message.Contains(Path)
            .And.Message.Contains("40 characters of Z85"));
        if (content.Length > 0)
            Assert.That(() => CurveKeyCommand.Load(Path), Throws.Exception.With.Message.Not.Contains(content.Trim()));
        Assert.That(File.ReadAllText(Path), Is.EqualTo(content));
    }

    [Test]
    public void A_key_that_cannot_be_read_or_made_is_refused_with_the_reason()
    {
        File.WriteAllText(_directory["keys"], "in the way");

        Assert.That(() => CurveKeyCommand.Load(Path), Throws.TypeOf<ConfigurationException>().With.Message.Contains(_directory["keys"]));
    }

    [Test]
    public async Task The_command_prints_the_public_key_and_nothing_else()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var schema = new ConfigurationSchema("PONY_KEY_TEST_", DaemonLogging.Keys);

        var code = await CurveKeyCommand.PrintAsync(DaemonArguments.Parse(["key"]), schema, _ => Path, output, errors);

        Assert.That(code, Is.Zero);
        Assert.That(output.ToString(), Is.EqualTo(CurveKeyFile.ReadOrMake(Path).PublicKey + Environment.NewLine));
        Assert.That(errors.ToString(), Is.Empty);
    }

    [Test]
    public async Task The_command_says_why_there_is_no_key()
    {
        Write("no key", OwnerOnly);
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var schema = new ConfigurationSchema("PONY_KEY_TEST_", DaemonLogging.Keys);

        var code = await CurveKeyCommand.PrintAsync(DaemonArguments.Parse(["key"]), schema, _ => Path, output, errors);

        Assert.That(code, Is.EqualTo(ConfigurationException.ExitCode));
        Assert.That(output.ToString(), Is.Empty);
        Assert.That(errors.ToString(), Does.Contain(Path));
    }

    private void Write(string content, UnixFileMode mode)
    {
        Directory.CreateDirectory(_directory["keys"]);
        File.WriteAllText(Path, content);
        File.SetUnixFileMode(Path, mode);
    }
}
