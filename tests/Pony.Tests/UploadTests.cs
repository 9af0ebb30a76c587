using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Pony.Contents;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

internal sealed class UploadTests : VolumeFixture
{
    private string _file = null!;
    private byte[] _new = null!;

    [SetUp]
    public void MakeFile()
    {
        _new = Noise(18);
        _file = Path.Combine(Home, "disk.raw");
        File.WriteAllBytes(_file, _new);
    }

    [TestCase("root")]
    [TestCase("aaaaaaaa-0000-4000-8000-000000000007")]
    [TestCase("/tenant/acme/volume/root")]
    public async Task A_file_becomes_the_content_of_a_volume(string called)
    {
        var outcome = await VolumeAsync("upload", _file, called);

        AssertSent(outcome, generation: 2);
        Assert.That(outcome.Output, Is.EqualTo($"volume {called} has 2 MiB\n"));
        Assert.That(Count("PUT"), Is.EqualTo(1));
    }

    [Test]
    public async Task An_empty_file_is_an_empty_content()
    {
        File.WriteAllBytes(_file, []);

        var outcome = await VolumeAsync("upload", _file, "root");

        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        Assert.That((Row.Generation, Keeper.Find(Volume).Offset, Keeper.Find(Volume).Finished is not null), Is.EqualTo((2, 0, true)));
    }

    [TestCase(1)]
    [TestCase(700_001)]
    [TestCase((2 * MiB) - 1)]
    [TestCase(2 * MiB)]
    public async Task What_the_host_had_when_it_was_cut_is_not_sent_again(int count)
    {
        CutAfter(count);

        var outcome = await VolumeAsync("upload", _file, "root");

        AssertSent(outcome, generation: 2);
        Assert.That(outcome.Error, Does.Contain("Going on …"));
        Assert.That(
            Keeper.Seen.Where(request => request.Method == "PUT").Skip(1).Select(request => request.ContentRange),
            Has.Some.EqualTo(count == 2 * MiB ? $"bytes */{2 * MiB}" : $"bytes {count}-{(2 * MiB) - 1}/{2 * MiB}"));
    }

    [Test]
    public async Task An_upload_that_gets_farther_each_time_may_be_cut_more_often_than_one_that_does_not()
    {
        for (var i = 0; i < Attempts.MostInVain + 2; i++)
            CutAfter(100_000);

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 2);
    }

    [Test]
    public async Task A_connection_that_breaks_in_the_middle_is_made_anew()
    {
        HttpContext? front = null;
        Server.Fault(request => IsContent(request, "PUT"), (context, next) =>
        {
            front = context;
            return next();
        });
        Keeper.Fault(async (context, _) =>
        {
            await TakeAsync(context, 300_000);
            front!.Abort();
            context.Abort();
        });

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 2);
    }

    [Test]
    public async Task An_upload_whose_answer_was_lost_is_not_sent_again()
    {
        Server.Fault(request => IsContent(request, "PUT"), async (context, next) =>
        {
            await next();
            context.Abort();
        });

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 2);
        Assert.That(
            Keeper.Seen.Count(request => request.Method == "PUT" && request.ContentRange!.StartsWith("bytes 0-", StringComparison.Ordinal)),
            Is.EqualTo(1));
    }

    [Test]
    public async Task An_upload_to_a_volume_of_which_copies_were_made_is_known_again_after_a_cut()
    {
        Server.Database.Put(Row with { Generations = 4 });
        CutAfter(700_001);

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 5);
    }

    [Test]
    public async Task What_another_run_has_begun_is_gone_on_with()
    {
        Begun(_new, 900_000);

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 2);
        Assert.That(
            Keeper.Seen.Where(request => request.Method == "PUT").Select(request => request.ContentRange),
            Has.All.EqualTo($"bytes 900000-{(2 * MiB) - 1}/{2 * MiB}"));
    }

    [Test]
    public async Task What_was_begun_with_another_file_is_sent_all_of_it()
    {
        Begun(Noise(19), 900_000);

        var outcome = await VolumeAsync("upload", _file, "root");

        AssertSent(outcome, generation: 3);
        Assert.That(outcome.Error, Does.Contain("not of this file"));
    }

    [Test]
    public async Task A_checksum_that_is_wrong_twice_is_an_error()
    {
        for (var i = 0; i < 5; i++)
            Keeper.Answer(422);

        var outcome = await VolumeAsync("upload", _file, "root");

        Assert.That((outcome.Code, Count("PUT")), Is.EqualTo((ExitCode.Refused, 2)), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("checksum"));
    }

    [Test]
    public async Task A_server_that_stays_away_is_given_up_after_growing_pauses()
    {
        for (var i = 0; i < 100; i++)
            Server.Fault(request => IsContent(request, "PUT"), AbortAsync);

        var outcome = await VolumeAsync("upload", _file, "root");

        Assert.That(
            (outcome.Code, Count("PUT"), Row.Generation),
            Is.EqualTo((ExitCode.Unavailable, Attempts.MostInVain, 1)),
            outcome.ToString());
        Assert.That(Time.Pauses, Has.Count.EqualTo(Attempts.MostInVain - 1));
        Assert.That(Time.Pauses.SkipLast(1), Is.Ordered, "the last two are of about the same length");
        Assert.That(Time.Pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause), Is.LessThan(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task A_server_that_has_no_place_is_asked_again_when_it_says()
    {
        Server.Answer("PUT", 429, retryAfter: "7");

        AssertSent(await VolumeAsync("upload", _file, "root"), generation: 2);
        Assert.That(Time.Pauses, Is.EqualTo([TimeSpan.FromSeconds(7)]));
    }

    [Test]
    public async Task A_content_that_somebody_else_has_ordered_meanwhile_is_not_written_over()
    {
        Server.Fault(request => IsContent(request, "PUT"), (context, next) =>
        {
            Server.Database.Put(Row with { Generation = 5, Content = VolumeContent.Upload });
            return AbortAsync(context, next);
        });

        var outcome = await VolumeAsync("upload", _file, "root");

        Assert.That((outcome.Code, Count("PUT")), Is.EqualTo((ExitCode.Conflict, 1)), outcome.ToString());
    }

    [Test]
    public async Task What_does_not_fit_is_refused_at_once()
    {
        File.WriteAllBytes(_file, [.. _new, 1]);

        var outcome = await VolumeAsync("upload", _file, "root");

        Assert.That((outcome.Code, Count("PUT"), Row.Generation), Is.EqualTo((ExitCode.Refused, 1, 1)), outcome.ToString());
    }

    [Test]
    public async Task A_file_that_is_not_there_is_told_by_its_name()
    {
        var outcome = await VolumeAsync("upload", _file + "x", "root");

        Assert.That((outcome.Code, Count("PUT")), Is.EqualTo((ExitCode.Usage, 0)), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("disk.rawx"));
    }

    [Test]
    public async Task A_terminal_shows_a_bar_and_anything_else_gets_lines()
    {
        var watched = await WatchedAsync("upload", _file, "root");
        AssertSent(watched, generation: 2);
        Server.Database.Put(Row with { Content = VolumeContent.Made });
        var plain = await VolumeAsync("upload", _file, "root");

        AssertSent(plain, generation: 3);
        Assert.That(
            watched.Error,
            Does.Match(@"upload \[#*\.*\] \d+% [\d.]+ [KM]iB of 2 MiB, [\d.]+ [KMGT]?i?B/s, 0:00:\d\d left").And.EndWith("\r\u001b[K"));
        Assert.That(plain.Error, Does.Match(@"\Apony: upload \d+% [\d.]+ [KM]iB of 2 MiB.*\n\z").And.Not.Contain("\u001b"));
    }

    private void AssertSent(Outcome outcome, int generation)
    {
        Assert.That(outcome.Code, Is.Zero, outcome.ToString());
        var kept = Keeper.Find(Volume);
        Assert.That(
            (Row.Generation, kept.Generation, kept.Offset, kept.Finished is not null),
            Is.EqualTo((generation, generation, _new.Length, true)));
        Assert.That(kept.Bytes.AsSpan().SequenceEqual(_new), Is.True);
    }

    /// <summary>Somebody has sent the beginning of a content before.</summary>
    private void Begun(byte[] content, int count)
    {
        Server.Database.Put(Row with { Generation = 2, Content = VolumeContent.Upload });
        var kept = Keeper.Find(Volume);
        content.AsSpan(0, count).CopyTo(kept.Bytes);
        kept.Offset = count;
    }

    private void CutAfter(int count) => Keeper.Fault(async (context, _) =>
    {
        await TakeAsync(context, count);
        context.Abort();
    });

    private async Task TakeAsync(HttpContext context, int count)
    {
        var kept = Keeper.Find(Volume);
        await context.Request.Body.ReadExactlyAsync(kept.Bytes.AsMemory(kept.Offset, count));
        kept.Offset += count;
    }
}
