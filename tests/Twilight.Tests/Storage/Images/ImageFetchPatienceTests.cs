using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageFetchPatienceTests
{
    private static readonly byte[] Content = FetcherBench.Content(3_000_001);

    private FetcherBench _bench = null!;

    [SetUp]
    public void SetUp() => _bench = new FetcherBench();

    [TearDown]
    public void TearDown() => _bench.Dispose();

    [Test]
    public async Task A_server_that_never_answers_is_given_up_when_the_window_is_over()
    {
        _bench.Options = _bench.Options with { RetriesMax = 0 };
        await using var server = await ImageServer.StartAsync(ForeverAsync);

        var fetch = _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()));
        await Eventually.HoldsAsync("the request", () => server.Requests.Count == 1);
        _bench.Time.Advance(_bench.Options.StallWindow - TimeSpan.FromSeconds(1));
        Assert.That(fetch.IsCompleted, Is.False);
        _bench.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That(async () => await fetch, Throws.TypeOf<ImageException>().With.Message.Contains("bytes a second"));
        Assert.That(_bench.Partial, Does.Not.Exist);
    }

    [Test]
    public async Task A_server_that_sends_a_byte_a_minute_is_given_up_after_a_time_that_is_known()
    {
        await using var server = await ImageServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 1000;
            await context.Response.Body.WriteAsync(new byte[1], context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await ForeverAsync(context);
        });
        var fetch = _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()));
        for (var attempt = 1; attempt <= 1 + _bench.Options.RetriesMax; attempt++)
        {
            await Eventually.HoldsAsync("the request", () => server.Requests.Count == attempt);
            await _bench.Time.WaitForTimerAsync(_bench.Options.StallWindow);
            _bench.Time.Advance(_bench.Options.StallWindow);
            if (attempt > _bench.Options.RetriesMax)
                break;
            await _bench.Time.WaitForTimerAsync(TimeSpan.FromSeconds(2));
            _bench.Time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.That(async () => await fetch, Throws.TypeOf<ImageException>());
        Assert.That(_bench.Time.Elapsed, Is.LessThanOrEqualTo(TimeSpan.FromMinutes(7)));
    }

    [Test]
    public async Task Whoever_withdraws_while_the_server_is_silent_is_free_at_once()
    {
        await using var server = await ImageServer.StartAsync(ForeverAsync);
        await IsWithdrawnAsync(server, () => server.Requests.Count == 1);
    }

    [Test]
    public async Task Whoever_withdraws_in_the_middle_of_the_content_is_free_at_once()
    {
        await using var server = await ImageServer.StartAsync(async context =>
        {
            context.Response.ContentLength = 2 * Content.Length;
            await context.Response.Body.WriteAsync(Content, context.RequestAborted);
            await ForeverAsync(context);
        });
        await IsWithdrawnAsync(server, () => new FileInfo(_bench.Partial) is { Exists: true, Length: > 0 });
    }

    [Test]
    public async Task Whoever_withdraws_between_two_goes_is_free_at_once()
    {
        await using var server = await ImageServer.StartAsync(context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        var waiting = _bench.Time.WaitForTimerAsync(TimeSpan.FromSeconds(2));
        await IsWithdrawnAsync(server, () => waiting.IsCompleted);
    }

    [Test]
    public async Task Whoever_withdraws_while_the_disk_hangs_is_free_at_once_and_the_file_goes_when_it_is_back()
    {
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);
        // To be opened for writing, a pipe waits for somebody who reads.
        await ChildProcess.RunAsync("mkfifo", [_bench.Partial]);
        using var withdrawal = new CancellationTokenSource();

        var fetch = _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()), cancellationToken: withdrawal.Token);
        await withdrawal.CancelAsync();

        Assert.That(async () => await fetch.WaitAsync(Eventually.Patience), Throws.InstanceOf<OperationCanceledException>());
        await using (new FileStream(_bench.Partial, FileMode.Open, FileAccess.Read))
            await Eventually.HoldsAsync("the file to go", () => !File.Exists(_bench.Partial));
    }

    [Test]
    public async Task Images_of_operators_come_from_files_and_those_of_tenants_do_not()
    {
        var source = Path.Combine(_bench.Directory, "source with space");
        await File.WriteAllBytesAsync(source, Content);
        var uri = new Uri(source).AbsoluteUri;

        await _bench.FetchAsync(FetcherBench.Image(uri, checksum: FetcherBench.Sha256(Content)));
        Assert.That(await File.ReadAllBytesAsync(_bench.Partial), Is.EqualTo(Content));
        File.Delete(_bench.Partial);

        await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage(uri));
        await _bench.FailsAsync(ImageFailure.Mismatch, FetcherBench.Image(uri, checksum: FetcherBench.Sha256([])));
        await _bench.FailsAsync(ImageFailure.Host, FetcherBench.Image(uri + ".missing"));
        await _bench.FailsAsync(ImageFailure.Host, FetcherBench.Image(new Uri(_bench.Directory).AbsoluteUri));
    }

    [Test]
    public async Task A_file_without_an_end_is_stopped_at_the_largest_size()
    {
        _bench.Options = _bench.Options with { BytesMax = 4 << 20 };

        Assert.That(await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image("file:///dev/zero")), Does.Contain("4 MiB"));
    }

    private static Task ForeverAsync(HttpContext context)
    {
        var gone = new TaskCompletionSource();
        context.RequestAborted.Register(gone.SetResult);
        return gone.Task;
    }

    private async Task IsWithdrawnAsync(ImageServer server, Func<bool> isThere)
    {
        using var withdrawal = new CancellationTokenSource();
        var fetch = _bench.FetchAsync(FetcherBench.Image(server.Address.ToString()), cancellationToken: withdrawal.Token);
        await Eventually.HoldsAsync("the fetch to be there", isThere);

        await withdrawal.CancelAsync();

        // Time stands still here, so nothing that waits for it can be what ends it.
        Assert.That(async () => await fetch.WaitAsync(Eventually.Patience), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(_bench.Partial, Does.Not.Exist);
    }
}
