using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

internal sealed class VolumeWaitTests : VolumeFixture
{
    private static readonly VolumeCurrent Preparing = new()
    {
        Uuid = Volume,
        Status = VolumeStatus.Preparing,
        Progress = 42,
        Bytes = 3 * MiB,
        Rate = MiB / 2,
        Why = "copying the image",
    };

    [Test]
    public async Task A_volume_that_is_ready_is_not_waited_for()
    {
        Report(VolumeStatus.Ready);

        var outcome = await VolumeAsync("wait", "root");

        Assert.That((outcome.Code, outcome.Output, outcome.Error), Is.EqualTo((ExitCode.Ok, "volume root is ready\n", "")));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_volume_is_waited_for_until_it_is_ready_and_how_far_it_is_is_shown(bool isWatched)
    {
        Server.Database.Report(Preparing);

        var running = isWatched ? WatchedAsync("wait", "root") : VolumeAsync("wait", "/tenant/acme/volume/root");
        await LookedAtAsync(times: 2);
        Report(VolumeStatus.Ready);
        var outcome = await running;

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("root is preparing, 42%, 3 MiB, 512 KiB/s (copying the image)"));
        if (isWatched)
            Assert.That(outcome.Error, Does.EndWith("\r\u001b[K"));
        else
            Assert.That(outcome.Error, Does.Not.Contain("\u001b").And.EndWith("\n"));
    }

    [Test]
    public async Task The_same_is_not_said_again_line_by_line()
    {
        Server.Database.Report(Preparing);

        var outcome = await VolumeAsync("wait", "root", "--timeout", "600");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.TimedOut), outcome.ToString());
        Assert.That(outcome.Error.Split('\n'), Has.Length.EqualTo(3), outcome.Error);
        Assert.That(outcome.Error, Does.Contain("Not within 600 s: root is preparing").And.EndWith("The work goes on.\n"));
    }

    [TestCase(VolumeStatus.Broken)]
    [TestCase(VolumeStatus.Lost)]
    [TestCase(VolumeStatus.Absent)]
    public async Task A_volume_that_will_not_be_ready_is_told_with_why(VolumeStatus status)
    {
        Server.Database.Report(new VolumeCurrent { Uuid = Volume, Status = status, Why = "The disk has failed." });

        var outcome = await VolumeAsync("wait", "root");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Different), outcome.ToString());
        Assert.That(outcome.Error, Is.EqualTo($"pony: root is {status.ToString().ToLowerInvariant()} (The disk has failed).\n"));
    }

    [Test]
    public async Task The_content_before_is_not_taken_for_the_one_that_is_ordered()
    {
        Report(VolumeStatus.Ready);
        Server.Database.Put(Row with { Content = VolumeContent.Upload, Generation = 2 });

        var outcome = await VolumeAsync("wait", "root", "--timeout", "1");

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.TimedOut), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("root is to have another content"));
    }

    [Test]
    public async Task A_volume_that_is_deleted_meanwhile_is_not_found()
    {
        var running = VolumeAsync("wait", "root");
        await LookedAtAsync(times: 1);
        Server.Database.Remove("volume", RowKey.Of(Volume));
        var outcome = await running;

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.NotFound), outcome.ToString());
    }

    [Test]
    public async Task Ctrl_C_ends_the_waiting_and_not_the_work()
    {
        Server.Database.Report(Preparing);
        using var ctrlC = new CancellationTokenSource();

        var running = RunAsync(terminal => terminal with { Time = Time }, ctrlC.Token, "volume", "wait", "root");
        await LookedAtAsync(times: 1);
        await ctrlC.CancelAsync();
        var outcome = await running;

        Assert.That(outcome.Code, Is.EqualTo(ExitCode.Interrupted), outcome.ToString());
        Assert.That(outcome.Error, Does.EndWith("pony: No longer waiting for root. The work goes on.\n"));
    }

    [TestCase("wait r")]
    [TestCase("download r")]
    [TestCase("upload disk.raw r")]
    public async Task The_name_of_a_volume_is_completed(string line)
    {
        Assert.That((await DoAsync(["__complete", "--", "volume", .. line.Split(' ')])).Output, Is.EqualTo("root\n"));
    }

    private void Report(VolumeStatus status) => Server.Database.Report(new VolumeCurrent { Uuid = Volume, Status = status });

    private Task LookedAtAsync(int times) => Eventually.HoldsAsync(
        "pony to look at the volume",
        () => Server.Seen.Count(request =>
            request.Method == "GET" && request.Path.EndsWith($"/volume/{Volume}", StringComparison.Ordinal)) >= times);
}
