using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>What a newcomer types first.</summary>
public sealed class QuickstartTests
{
    [Test]
    public async Task Make_run_boots_a_guest_and_leaves_nothing_behind()
    {
        await using var process = ChildProcess.Start(
            "make", ["--no-print-directory", "-C", Repository.Root, "run", "CHECK=1"]);
        process.Input.Close();

        var code = await process.WaitForExitAsync(TimeSpan.FromMinutes(10));

        var output = string.Join('\n', process.Lines);
        Assert.That(code, Is.Zero, output);
        Assert.That(output, Does.Match("PonyCloud guest [0-9a-f-]{36} is up"));
        Assert.That(output, Does.Contain("no process, guest, mount or namespace is left"));
    }
}
