using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Hosting;

namespace PonyCloud.Sparkle.Api.Metrics;

/// <summary>
/// Listens to the instruments of this process and writes them in Prometheus' text format. It is small since no exporter can
/// be had as a package; instruments are the framework's, so any other exporter can take its place.
/// </summary>
public sealed class MetricsCollector : IHostedService, IDisposable
{
    private static readonly HashSet<string> Meters = new(StringComparer.Ordinal)
    {
        PlatformMetrics.MeterName,
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "System.Runtime",
    };

    private readonly ConcurrentDictionary<Instrument, MetricSeries> _instruments = new();
    private readonly Lock _scrape = new();
    private readonly MeterListener _listener = new();
    private readonly IMeterFactory _factory;

    /// <param name="factory">Of this host: another one in the same process, as in tests, has instruments of its own.</param>
    /// <param name="platform">Made here, so that its instruments are there.</param>
    public MetricsCollector(IMeterFactory factory, PlatformMetrics platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        _factory = factory;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Meters.Contains(instrument.Meter.Name) && (instrument.Meter.Scope is null || instrument.Meter.Scope == _factory))
                listener.EnableMeasurementEvents(instrument, _instruments.GetOrAdd(instrument, made => new MetricSeries(made)));
        };
        _listener.SetMeasurementEventCallback<double>(Record);
        _listener.SetMeasurementEventCallback<long>((instrument, value, labels, state) => Record(instrument, value, labels, state));
        _listener.SetMeasurementEventCallback<int>((instrument, value, labels, state) => Record(instrument, value, labels, state));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Everything, as it is now.</summary>
    public string Write()
    {
        lock (_scrape)
        {
            foreach (var series in _instruments.Values)
                series.Forget();
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var (_, series) in _instruments.OrderBy(pair => pair.Key.Name, StringComparer.Ordinal))
                series.Write(text);
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> labels, object? state) =>
        ((MetricSeries)state!).Record(value, labels);
}
