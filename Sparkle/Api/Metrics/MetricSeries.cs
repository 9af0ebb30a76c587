using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace PonyCloud.Sparkle.Api.Metrics;

/// <summary>The values of one instrument, each under its labels, as they were last or add up to.</summary>
internal sealed class MetricSeries
{
    /// <summary>Labels can come from requests, so there is an end to how many are kept; what is beyond it is not counted.</summary>
    private const int MaxSeries = 1000;

    private static readonly double[] DefaultBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly MetricKind _kind;
    private readonly bool _isObserved;
    private readonly double[] _bounds;
    private readonly string _name;
    private readonly string _help;

    public MetricSeries(Instrument instrument)
    {
        _kind = KindOf(instrument);
        _isObserved = instrument.IsObservable;
        _name = NameOf(instrument.Name, instrument.Unit, _kind);
        _help = instrument.Description ?? "";
        _bounds = instrument is Histogram<double> { Advice.HistogramBucketBoundaries: { } advised } ? [.. advised] : DefaultBounds;
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        var key = LabelsOf(labels);
        lock (_gate)
        {
            if (!_series.TryGetValue(key, out var series))
            {
                if (_series.Count >= MaxSeries)
                    return;
                _series.Add(key, series = new Series(_kind == MetricKind.Histogram ? new long[_bounds.Length] : []));
            }
            if (_kind is MetricKind.Gauge or MetricKind.ObservedCounter)
                series.Sum = value;
            else
                series.Sum += value;
            series.Count++;
            for (var i = 0; i < series.Buckets.Length; i++)
            {
                if (value <= _bounds[i])
                    series.Buckets[i]++;
            }
        }
    }

    /// <summary>Forgets what is observed anew each time, so that labels which are gone are gone.</summary>
    public void Forget()
    {
        if (!_isObserved)
            return;
        lock (_gate)
            _series.Clear();
    }

    public void Write(StringBuilder text)
    {
        lock (_gate)
        {
            if (_series.Count == 0)
                return;
            if (_help.Length > 0)
                text.Append("# HELP ").Append(_name).Append(' ').Append(Escape(_help, isLabel: false)).Append('\n');
            text.Append("# TYPE ").Append(_name).Append(' ').Append(_kind switch
            {
                MetricKind.Histogram => "histogram",
                MetricKind.Gauge or MetricKind.UpDown => "gauge",
                _ => "counter",
            }).Append('\n');
            foreach (var (labels, series) in _series)
            {
                if (_kind == MetricKind.Histogram)
                    WriteHistogram(text, labels, series);
                else
                    WriteLine(text, _name, labels, series.Sum);
            }
        }
    }

    /// <summary>The name in Prometheus' manner: underscores, the unit, and <c>_total</c> for what only rises.</summary>
    internal static string NameOf(string name, string? unit, MetricKind kind)
    {
        var text = new StringBuilder();
        foreach (var character in name)
            text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
        var suffix = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            _ => "",
        };
        if (!text.ToString().EndsWith(suffix, StringComparison.Ordinal))
            text.Append(suffix);
        if (kind is MetricKind.Counter or MetricKind.ObservedCounter)
            text.Append("_total");
        return text.ToString();
    }

    private static MetricKind KindOf(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        if (type.StartsWith("Histogram", StringComparison.Ordinal))
            return MetricKind.Histogram;
        if (type.StartsWith("Counter", StringComparison.Ordinal))
            return MetricKind.Counter;
        if (type.StartsWith("ObservableCounter", StringComparison.Ordinal))
            return MetricKind.ObservedCounter;
        return type.StartsWith("UpDownCounter", StringComparison.Ordinal) ? MetricKind.UpDown : MetricKind.Gauge;
    }

    private void WriteHistogram(StringBuilder text, string labels, Series series)
    {
        for (var i = 0; i < _bounds.Length; i++)
            WriteLine(text, $"{_name}_bucket", With(labels, $"le=\"{Number(_bounds[i])}\""), series.Buckets[i]);
        WriteLine(text, $"{_name}_bucket", With(labels, "le=\"+Inf\""), series.Count);
        WriteLine(text, $"{_name}_sum", labels, series.Sum);
        WriteLine(text, $"{_name}_count", labels, series.Count);
    }

    private static void WriteLine(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string With(string labels, string one) => labels.Length == 0 ? one : $"{labels},{one}";

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (labels.IsEmpty)
            return "";
        var text = new StringBuilder();
        foreach (var (name, value) in labels)
        {
            if (value is null)
                continue;
            if (text.Length > 0)
                text.Append(',');
            foreach (var character in name)
                text.Append(char.IsAsciiLetterOrDigit(character) ? character : '_');
            text.Append("=\"").Append(Escape(Convert.ToString(value, CultureInfo.InvariantCulture)!, isLabel: true)).Append('"');
        }
        return text.ToString();
    }

    private static string Escape(string text, bool isLabel)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private sealed class Series(long[] buckets)
    {
        public double Sum { get; set; }

        public long Count { get; set; }

        /// <summary>How many were at most as large as each bound.</summary>
        public long[] Buckets { get; } = buckets;
    }
}

/// <summary>How the values of an instrument come, and what they mean.</summary>
internal enum MetricKind
{
    Counter,
    ObservedCounter,
    UpDown,
    Gauge,
    Histogram,
}
