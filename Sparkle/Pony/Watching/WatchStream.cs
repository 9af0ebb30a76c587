using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using PonyCloud.Pony.Http;

namespace PonyCloud.Pony.Watching;

/// <summary>
/// Follows changes for as long as somebody reads. A connection that breaks is made anew behind the last revision, a few times
/// in a row, so that nothing is missed; where the server cannot go on from there, the reader is told to read again.
/// </summary>
/// <param name="paths">Rows and collections; empty for everything.</param>
/// <param name="asTenant">The tenant whose token is needed.</param>
internal sealed class WatchStream(Session session, IReadOnlyList<string> paths, string? asTenant)
{
    /// <summary>The server says something at least every so often, even when nothing changes.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(100);

    /// <param name="since">The revision that was read; null to begin now.</param>
    public async IAsyncEnumerable<WatchMessage> ReadAsync(string? since, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var failures = 0; ;)
        {
            Exception? failure = null;
            var isBroken = false;
            await using var messages = OpenAsync(since, cancellation).GetAsyncEnumerator(cancellation);
            while (true)
            {
                try
                {
                    if (!await messages.MoveNextAsync())
                        break;
                }
                catch (Exception exception) when (WhatNow(exception, cancellation) is { } next)
                {
                    (failure, isBroken) = (exception, next == Next.ReadAgain);
                    break;
                }
                failures = 0;
                since = messages.Current.Revision;
                if (messages.Current.Changes.Count > 0)
                    yield return messages.Current;
            }
            if (isBroken)
            {
                since = null;
                yield return new WatchMessage("", [], IsBroken: true);
            }
            await PauseAsync(++failures, failure, cancellation);
        }
    }

    private async Task PauseAsync(int failures, Exception? failure, CancellationToken cancellation)
    {
#pragma warning disable CA5394 // Chance that spreads out clients, not one that keeps a secret.
        if (RetryPolicy.Wait(failures, null, Random.Shared.NextDouble()) is not { } wait)
#pragma warning restore CA5394
            throw failure ?? new PonyException(ExitCode.Unavailable, "The server ends the stream again and again.");
        session.Progress.Show("The stream of changes broke off; trying again …");
        await Task.Delay(wait, session.Terminal.Time, cancellation);
        session.Progress.Clear();
    }

    private async IAsyncEnumerable<WatchMessage> OpenAsync(string? since, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var query = paths.Select(path => "path=" + Uri.EscapeDataString(path)).Concat(since is null ? [] : ["since=" + Uri.EscapeDataString(since)]).ToList();
        using var response = await session.OpenAsync(
            ApiRequest.Get("/watch" + (query.Count == 0 ? "" : "?" + string.Join('&', query))), "text/event-stream", asTenant, cancellation);
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = session.Terminal.Time.CreateTimer(_ => silence.Cancel(), null, LongestSilence, Timeout.InfiniteTimeSpan);
        await using var stream = await response.Content.ReadAsStreamAsync(silence.Token);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(silence.Token))
        {
            timer.Change(LongestSilence, Timeout.InfiniteTimeSpan);
            if (item.EventType == "error")
                throw new ProblemException(Problem.Read(0, System.Text.Encoding.UTF8.GetBytes(item.Data)));
            yield return WatchMessage.Read(item.Data);
        }
    }

    private enum Next
    {
        TryAgain,
        ReadAgain,
    }

    // Null: it is no better a moment later.
    private static Next? WhatNow(Exception exception, CancellationToken cancellation) => exception switch
    {
        _ when cancellation.IsCancellationRequested => null,
        ProblemException { Problem.Type: "urn:ponycloud:problem:too-old" or "urn:ponycloud:problem:access-changed" } => Next.ReadAgain,
        ProblemException { Problem.Type: "urn:ponycloud:problem:slow-reader" or "urn:ponycloud:problem:unavailable" } => Next.TryAgain,
        ProblemException { Problem.Status: 429 or 503 } => Next.TryAgain,
        PonyException { Code: ExitCode.Unavailable or ExitCode.TimedOut } => Next.TryAgain,
        IOException or HttpRequestException or OperationCanceledException => Next.TryAgain,
        _ => null,
    };
}
