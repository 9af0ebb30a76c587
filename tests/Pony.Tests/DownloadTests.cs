using NUnit.Framework;
using PonyCloud.Pony.Contents;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Pony.Tests;

internal sealed class DownloadTests : VolumeFixture
{
    private string _file = null!;

    [SetUp]
    public void NameFile() => _file = Path.Combine(Home, "disk.raw");

    [TearDown]
    public void Nothing_else_is_left() => Assert.That(File.Exists(_file + ".part"), Is.False);

    [Test]
    public async Task The_content_of_a_volume_becomes_a_file()
    {
        var outcome = await VolumeAsync("download", "root", _file);

        AssertFetched(outcome);
        Assert.That(outcome.Output, Is.EqualTo($"{_file} has 2 MiB\n"));
        Assert.That(Count("GET"), Is.EqualTo(1));
    }

    [TestCase(1)]
    [TestCase(700_001)]
    [TestCase((2 * MiB) - 1)]
    public async Task What_has_arrived_when_it_was_cut_is_not_fetched_again(int count)
    {
        CutAfter(count);

        AssertFetched(await VolumeAsync("download", "root", _file));

        var gets = Keeper.Seen.Where(request => request.Method == "GET").ToList();
        Assert.That(gets, Has.Count.EqualTo(2));
        Assert.That(gets[1].Range, Is.EqualTo($"bytes={count}-"));
    }

    [Test]
    public async Task A_content_that_is_another_one_after_the_cut_is_fetched_from_its_beginning()
    {
        var other = Noise(20);
        CutAfter(MiB, then: () =>
        {
            Server.Database.Put(Row with { Generation = 2 });
            Server.Database.Report(Kept with { Generation = 2 });
            Keeper.Keep(Volume, 2, other);
        });

        var outcome = await VolumeAsync("download", "root", _file);

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(File.ReadAllBytes(_file).AsSpan().SequenceEqual(other), Is.True);
    }

    [Test]
    public async Task A_server_that_stays_away_is_given_up_and_nothing_is_left()
    {
        for (var i = 0; i < 100; i++)
            Server.Fault(request => IsContent(request, "GET"), AbortAsync);

        var outcome = await VolumeAsync("download", "root", _file);

        Assert.That((outcome.Code, File.Exists(_file)), Is.EqualTo((ExitCode.Unavailable, false)), outcome.ToString());
        Assert.That(Time.Pauses, Has.Count.EqualTo(Attempts.MostInVain - 1));
        Assert.That(Time.Pauses.SkipLast(1), Is.Ordered, "the last two are of about the same length");
    }

    [TestCase("disk.raw")]
    [TestCase("disk.raw.part")]
    public async Task A_file_that_is_there_is_left_alone(string name)
    {
        var path = WriteFile(name, "mine");

        var outcome = await VolumeAsync("download", "root", _file);

        Assert.That((outcome.Code, Count("GET"), File.ReadAllText(path)), Is.EqualTo((ExitCode.Usage, 0, "mine")), outcome.ToString());
        File.Delete(path);
    }

    [Test]
    public async Task A_content_that_is_not_made_is_refused_at_once()
    {
        Server.Database.Put(Row with { Content = VolumeContent.Upload });

        var outcome = await VolumeAsync("download", "root", _file);

        Assert.That((outcome.Code, Count("GET")), Is.EqualTo((ExitCode.Conflict, 1)), outcome.ToString());
    }

    [Test]
    public async Task A_volume_that_is_not_there_is_not_found()
    {
        Assert.That((await VolumeAsync("download", "swap", _file)).Code, Is.EqualTo(ExitCode.NotFound));
    }

    private void AssertFetched(Outcome outcome)
    {
        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That(File.ReadAllBytes(_file).AsSpan().SequenceEqual(Content), Is.True);
    }

    private void CutAfter(int count, Action? then = null) => Keeper.Fault(async (context, _) =>
    {
        context.Response.ContentLength = Content.Length;
        await context.Response.Body.WriteAsync(Content.AsMemory(0, count));
        await context.Response.Body.FlushAsync();
        // What is on its way when a connection breaks may be lost with it.
        await Eventually.HoldsAsync(
            "the file to have it",
            () => new FileInfo(_file + ".part") is { Exists: true } part && part.Length == count);
        context.Abort();
        then?.Invoke();
    });
}
