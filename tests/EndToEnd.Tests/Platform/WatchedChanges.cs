using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>The stream of changes, as server-sent events.</summary>
public sealed class WatchedChanges(HttpResponseMessage answer, StreamReader lines) : IAsyncDisposable
{
    private const string Data = "data:";

    /// <summary>Reads on until a change is told that this holds for.</summary>
    /// <exception cref="AssertionException">The stream ended, or nothing like it came in time.</exception>
    public async Task<JObject> FindAsync(Func<JObject, bool> isIt)
    {
        using var limit = new CancellationTokenSource(Eventually.Patience);
        try
        {
            while (await lines.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith(Data, StringComparison.Ordinal)
                    && JObject.Parse(line[Data.Length..])["changes"]?.OfType<JObject>().FirstOrDefault(isIt) is { } told)
                {
                    return told;
                }
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new AssertionException("No such change was told in time.");
        }
        throw new AssertionException("The stream of changes ended.");
    }

    public ValueTask DisposeAsync()
    {
        lines.Dispose();
        answer.Dispose();
        return ValueTask.CompletedTask;
    }
}
