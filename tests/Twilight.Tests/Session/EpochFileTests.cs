using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Session;

namespace PonyCloud.Twilight.Tests.Session;

[TestFixture]
public sealed class EpochFileTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void Make() => _directory = new TemporaryDirectory("epoch");

    [TearDown]
    public void Remove() => _directory.Dispose();

    [Test]
    public void What_was_written_last_is_read_by_the_next_process()
    {
        var file = new EpochFile(_directory["below/epoch"]);
        Assert.That(file.Read(), Is.Null);
        file.Write(7);
        file.Write(12);
        Assert.That(new EpochFile(_directory["below/epoch"]).Read(), Is.EqualTo(12));
        Assert.That(Directory.GetFiles(_directory["below"]), Has.Length.EqualTo(1));
    }

    [TestCase("")]
    [TestCase("-3")]
    [TestCase("12 13")]
    public void A_file_that_holds_no_epoch_is_refused_by_name(string text)
    {
        File.WriteAllText(_directory["epoch"], text);
        Assert.That(() => new EpochFile(_directory["epoch"]).Read(), Throws.TypeOf<InvalidDataException>().With.Message.Contains(_directory["epoch"]));
    }
}
