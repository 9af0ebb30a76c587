using System.Net;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Transfers;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Transfers;

namespace PonyCloud.Sparkle.Tests.Transfers;

/// <summary>What goes wrong at the host is told in words, and soon.</summary>
public sealed class KeeperFaultTests : TransferFixture
{
    protected override TransferOptions Limits => new()
    {
        Max = 3,
        MaxPerTenant = 2,
        IdleLimit = TimeSpan.FromMilliseconds(300),
        OrderLimit = TimeSpan.FromMilliseconds(100),
    };

    [Test]
    public async Task A_host_with_another_certificate_is_shown_nothing()
    {
        await using var impostor = await FakeKeeper.StartAsync();
        impostor.Keep(Volume, 1, Bytes);
        Database.Report(Keeper.Report(Host) with { TransferEndpoint = impostor.Endpoint });
        await RefusedAsync(503, "does not prove");
        Assert.That((await UploadAsync(Bytes)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(impostor.Seen, Is.Empty);
    }

    [Test]
    public async Task A_host_that_does_not_know_the_token_has_started_anew()
    {
        Database.Report(Keeper.Report(Host) with { TransferToken = "another" });
        await RefusedAsync(503, "started anew");
        Assert.That(Keeper.Seen.Select(request => request.IsTrusted), Is.EqualTo([false]));
    }

    [Test]
    public async Task A_host_that_is_not_there_is_unavailable()
    {
        Database.Report(Keeper.Report(Host) with { TransferEndpoint = $"https://127.0.0.1:{FreePort.Take()}" });
        await RefusedAsync(503, "connection");
    }

    [TestCase("http://127.0.0.1:1")]
    [TestCase("https://user@127.0.0.1:1")]
    [TestCase("nonsense")]
    [TestCase(null)]
    public async Task An_address_that_is_none_is_not_tried(string? endpoint)
    {
        Database.Report(Keeper.Report(Host) with { TransferEndpoint = endpoint });
        await RefusedAsync(503, "transfers no contents");
    }

    [Test]
    public async Task A_host_that_nobody_hears_of_is_not_asked()
    {
        Database.Report(Keeper.Report(Host) with { Status = HostStatus.Unreachable });
        await RefusedAsync(503, "not heard of");
        Assert.That(Keeper.Seen, Is.Empty);
    }

    [Test]
    public async Task A_host_that_never_answers_is_silent()
    {
        Keeper.Fault((context, _) => FakeKeeper.SilenceAsync(context));
        await RefusedAsync(504, "in time");
        await Keeper.Abandoned.Task.WaitAsync(Eventually.Patience);
    }

    [Test]
    public async Task A_host_that_falls_silent_in_the_middle_ends_the_download()
    {
        Keeper.Fault(async (context, _) =>
        {
            context.Response.ContentLength = Bytes.Length;
            await context.Response.Body.WriteAsync(Bytes.AsMemory(0, 10));
            await FakeKeeper.SilenceAsync(context);
        });
        Assert.That(async () => await DownloadAsync(), Throws.InstanceOf<HttpRequestException>());
        await Keeper.Abandoned.Task.WaitAsync(Eventually.Patience);
        AssertSame((await DownloadAsync()).Bytes, Bytes);
        Assert.That(Service<TransferSlots>().Taken, Is.Zero);
    }

    [TestCase(404, 503, "does not have this content")]
    [TestCase(412, 503, "does not have this content")]
    [TestCase(500, 503, "cannot transfer")]
    [TestCase(503, 503, "no place")]
    [TestCase(410, 410, "no longer wanted")]
    [TestCase(302, 503, "cannot transfer")]
    public async Task What_a_host_refuses_is_said_in_words(int status, int told, string words)
    {
        Keeper.Answer(status);
        await RefusedAsync(told, words);
    }

    [TestCase(500, 503)]
    [TestCase(503, 503)]
    [TestCase(410, 410)]
    [TestCase(413, 503)]
    [TestCase(400, 400)]
    public async Task What_a_host_does_not_take_is_told(int status, int told)
    {
        Keeper.Answer(status);
        Assert.That((int)(await UploadAsync(Bytes)).Status, Is.EqualTo(told));
    }

    [Test]
    public async Task A_host_that_never_hears_of_the_order_is_given_up_and_the_order_stands()
    {
        HearsOrders = false;
        Assert.That((await UploadAsync(Bytes)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((Row.Content, Row.Generation), Is.EqualTo((VolumeContent.Upload, 2)));
    }

    [Test]
    public async Task There_are_so_many_transfers_and_no_more()
    {
        var slots = Service<TransferSlots>();
        using var own = slots.Take($"{TenantA}");
        using var others = slots.Take($"{TenantB}");
        using var third = slots.Take($"{TenantB}");
        using (var full = await OpenAsync())
            await SaysAsync(full, HttpStatusCode.ServiceUnavailable, "3 transfers");
        third.Dispose();
        using var second = slots.Take($"{TenantA}");
        using (var many = await OpenAsync())
            await SaysAsync(many, HttpStatusCode.TooManyRequests, "has 2 transfers");
        Assert.That((await AskAsync(1)).Status, Is.Not.EqualTo(HttpStatusCode.TooManyRequests), "to ask takes no place");
        Assert.That(slots.Taken, Is.EqualTo(3));

        static async Task SaysAsync(HttpResponseMessage answer, HttpStatusCode status, string words)
        {
            Assert.That(answer.StatusCode, Is.EqualTo(status));
            Assert.That(answer.Headers.RetryAfter!.Delta, Is.GreaterThan(TimeSpan.Zero));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain(words));
        }
    }

    private async Task RefusedAsync(int status, string words)
    {
        using var answer = await OpenAsync();
        var text = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), text);
        Assert.That(text, Does.Contain(words).And.Not.Contain(Keeper.Token));
    }
}
