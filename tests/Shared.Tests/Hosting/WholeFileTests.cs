using NUnit.Framework;
using PonyCloud.Shared.Hosting;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Hosting;

[TestFixture]
public sealed class WholeFileTests
{
    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void Make() => _directory = new TemporaryDirectory("file");

    [TearDown]
    public void Remove() => _directory.Dispose();

    [Test]
    public void A_file_takes_the_place_of_another_with_its_own_mode()
    {
        var path = _directory["below/file"];
        WholeFile.Write(path, "one"u8, WholeFile.Public, replace: true);
        WholeFile.Write(path, "two"u8, WholeFile.Secret, replace: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadAllText(path), Is.EqualTo("two"));
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(WholeFile.Secret));
            Assert.That(Directory.GetFiles(_directory["below"]), Has.Length.EqualTo(1));
        }
    }

    [Test]
    public void A_file_that_is_not_to_be_replaced_stays_and_nothing_is_left_beside_it()
    {
        var path = _directory["file"];
        WholeFile.Write(path, "one"u8, WholeFile.Secret, replace: false);
        Assert.That(() => WholeFile.Write(path, "two"u8, WholeFile.Secret, replace: false), Throws.InstanceOf<IOException>());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(File.ReadAllText(path), Is.EqualTo("one"));
            Assert.That(Directory.GetFiles(_directory.Path), Has.Length.EqualTo(1));
        }
    }
}
