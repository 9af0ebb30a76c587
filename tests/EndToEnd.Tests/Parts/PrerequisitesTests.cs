using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Parts;

public sealed class PrerequisitesTests
{
    [Test]
    public async Task It_says_nothing_when_there_is_nothing_to_do() =>
        Assert.That(await ChildProcess.RunAsync(Repository.At("packaging", "prerequisites"), []), Is.Empty);

    [Test]
    public async Task It_names_what_only_root_can_install()
    {
        // As nobody, with a package that is not there.
        await using var process = ChildProcess.Start(
            "setpriv",
            ["--reuid=65534", "--regid=65534", "--clear-groups", "--", "bash", "-s", "no-such-package-as-this"]);
        await process.Input.WriteAsync(await File.ReadAllTextAsync(Repository.At("packaging", "prerequisites")));
        process.Input.Close();

        Assert.That(await process.WaitForExitAsync(), Is.Not.Zero);
        await process.WaitForLineAsync("the package's name", line => line.Contains("no-such-package-as-this", StringComparison.Ordinal));
    }
}
