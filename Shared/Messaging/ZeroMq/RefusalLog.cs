using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// Says who was refused and why, at most once a minute for each source: a log that anybody can fill is a weapon. Owned by one
/// thread.
/// </summary>
internal sealed partial class RefusalLog(ILogger log, TimeProvider time)
{
    /// <summary>Sources that are told apart; those beyond it share one line a minute.</summary>
    public const int MaxSources = 1000;

    private const string Others = "many addresses";

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Source> _sources = new(StringComparer.Ordinal);

    public void Refused(string address, string reason)
    {
        var now = time.GetElapsedTime(0);
        var source = SourceOf(address, now);
        if (source.LastSaid is { } last && now - last < Pause)
        {
            source.Unsaid++;
            return;
        }
        LogRefused(log, address, reason, source.Unsaid);
        source.LastSaid = now;
        source.Unsaid = 0;
    }

    private Source SourceOf(string address, TimeSpan now)
    {
        if (_sources.TryGetValue(address, out var source))
            return source;
        if (_sources.Count >= MaxSources)
        {
            foreach (var (name, old) in _sources)
            {
                if (now - old.LastSaid >= Pause)
                    _sources.Remove(name);
            }
        }
        var key = _sources.Count >= MaxSources ? Others : address;
        if (!_sources.TryGetValue(key, out source))
            _sources.Add(key, source = new Source());
        return source;
    }

    [LoggerMessage(
        EventId = 1103, Level = LogLevel.Warning, Message = "ZeroMQ: refused {Address}: {Reason}; {Unsaid} more from there since this was last said")]
    private static partial void LogRefused(ILogger logger, string address, string reason, long unsaid);

    private sealed class Source
    {
        public TimeSpan? LastSaid { get; set; }

        public long Unsaid { get; set; }
    }
}
