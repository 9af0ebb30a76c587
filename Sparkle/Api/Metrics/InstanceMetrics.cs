using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Http;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;

namespace PonyCloud.Sparkle.Api.Metrics;

/// <summary>
/// What instances have used, as their hosts tell it when somebody asks. Hosts are asked all at once, and have a short time: one that does
/// not answer in it is left out, since nobody may wait for it. What was fetched is told again to whoever asks within moments.
/// </summary>
/// <remarks>A host is believed only of instances that are placed on it.</remarks>
public sealed partial class InstanceMetrics(EntityCatalog catalog, IStateView view, TimeProvider time, ILogger<InstanceMetrics> logger) : IDisposable
{
    private const int AnswerMax = 4 << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(5);

    private readonly Entity _hosts = catalog["host"];
    private readonly Entity _places = catalog["host_instance"];
    private readonly Entity _instances = catalog["instance"];
    private readonly SemaphoreSlim _turn = new(1);
    private string _text = "";
    private long? _fetchedAt;

    /// <summary>Prometheus text; empty where there is nothing.</summary>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_fetchedAt is { } at && time.GetElapsedTime(at) < KeptFor)
                return _text;
            if (view.Snapshot is not { } snapshot)
                return "";
            _text = await FetchAsync(snapshot, cancellationToken);
            _fetchedAt = time.GetTimestamp();
            return _text;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<string> FetchAsync(StateSnapshot snapshot, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var asked = snapshot[_hosts].Rows.Select(row => row.Current).OfType<HostCurrent>()
            .Where(host => host.Status == HostStatus.Present)
            .Select(host => (host.Uuid, Endpoint: HostEndpoint.TryParse(host.TransferEndpoint, host.TransferFingerprint, host.TransferToken)))
            .Where(host => host.Endpoint is not null)
            .Select(host => AskAsync(host.Uuid, host.Endpoint!, ending.Token));
        var answers = await Task.WhenAll(asked);
        cancellationToken.ThrowIfCancellationRequested();
        var families = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (host, answer) in answers)
            Add(families, host, answer, snapshot);
        var text = new StringBuilder();
        foreach (var (family, samples) in families)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {family} {(family.EndsWith("_total", StringComparison.Ordinal) ? "counter" : "gauge")}\n");
            foreach (var sample in samples)
                text.Append(sample);
        }
        return text.ToString();
    }

    private void Add(SortedDictionary<string, List<string>> families, Guid host, string answer, StateSnapshot snapshot)
    {
        foreach (var match in Sample().EnumerateMatches(answer))
        {
            var parts = Sample().Match(answer, match.Index, match.Length).Groups;
            var instance = Guid.Parse(parts["instance"].ValueSpan);
            if (snapshot[_places].Find(RowKey.Of(host.ToString(), instance.ToString())) is null
                || !double.TryParse(parts["value"].ValueSpan, CultureInfo.InvariantCulture, out var value))
            {
                continue;
            }
            var tenant = (snapshot[_instances].Find(instance)?.Desired as InstanceDesired)?.Tenant;
            var name = parts["name"].Value;
            if (!families.TryGetValue(name, out var samples))
                families.Add(name, samples = []);
            samples.Add(string.Create(
                CultureInfo.InvariantCulture, $"{name}{{tenant=\"{tenant}\",instance=\"{instance}\"}} {value:R}\n"));
        }
    }

    private async Task<(Guid Host, string Answer)> AskAsync(Guid host, HostEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var http = HostHttp.Make(endpoint, Limit);
        http.MaxResponseContentBufferSize = AnswerMax;
        try
        {
            return (host, await http.GetStringAsync("/metrics", cancellationToken));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException)
        {
            LogSilent(exception, host);
            return (host, "");
        }
    }

    [GeneratedRegex("^(?<name>ponycloud_instance_[a-z_]+)\\{instance=\"(?<instance>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})\"\\} (?<value>[0-9.E+-]+)$", RegexOptions.Multiline)]
    private static partial Regex Sample();

    [LoggerMessage(EventId = 4301, Level = LogLevel.Debug, Message = "Host {Host} did not tell what its instances have used")]
    private partial void LogSilent(Exception exception, Guid host);
}
