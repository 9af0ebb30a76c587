using NUnit.Framework;
using PonyCloud.Shared.Hosting.Disk;

namespace PonyCloud.Shared.Tests.Hosting;

/// <summary>What is to outlive a power failure is asked of the disk, and its refusal is told.</summary>
[TestFixture]
public sealed class DirectoryEntriesTests
{
    [Test]
    public void A_directory_is_brought_to_the_disk_and_one_that_is_not_there_is_refused()
    {
        var directory = Directory.CreateTempSubdirectory("ponycloud-directory-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "a"), "");

            Assert.That(() => DirectoryEntries.Sync(directory), Throws.Nothing);
            Assert.That(() => DirectoryEntries.Sync(Path.Combine(directory, "b")), Throws.TypeOf<IOException>().With.Message.Contains("No such file"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
