using System.Globalization;

namespace PonyCloud.Benchmarks;

/// <summary>One line of the table.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Measured">In <paramref name="Unit"/>.</param>
internal abstract record ResultLine(string What, double Measured, string Unit);

/// <summary>A figure beside another of the same run.</summary>
/// <param name="Peer">What it is held against.</param>
/// <param name="PeerMeasured">In the same unit, from the same run.</param>
/// <param name="Bar">The wanted ratio of measured to peer; null where the two are shown only.</param>
/// <param name="HigherIsBetter">Whether the ratio is to be at least the bar, or at most.</param>
internal sealed record Result(
    string What, double Measured, string Unit, string Peer, double PeerMeasured, double? Bar = null, bool HigherIsBetter = true)
    : ResultLine(What, Measured, Unit)
{
    public double Ratio => Measured / PeerMeasured;

    public bool Passes => Bar is null || (HigherIsBetter ? Ratio >= Bar : Ratio <= Bar);
}

/// <summary>A figure that no machine may exceed.</summary>
internal sealed record Limit(string What, double Measured, string Unit, double AtMost) : ResultLine(What, Measured, Unit)
{
    public bool Passes => Measured <= AtMost;
}

internal sealed class ResultTable(TextWriter output)
{
    private static readonly string[] Heads = ["what", "measured", "unit", "peer", "peer measured", "ratio", "bar", ""];

    private readonly List<string[]> _lines = [Heads];

    public void Add(ResultLine line) => _lines.Add(line switch
    {
        Result result =>
        [
            result.What,
            Number(result.Measured),
            result.Unit,
            result.Peer,
            Number(result.PeerMeasured),
            result.Ratio.ToString("0.00", CultureInfo.InvariantCulture),
            result.Bar is { } bar ? $"{(result.HigherIsBetter ? "≥" : "≤")} {bar.ToString("0.##", CultureInfo.InvariantCulture)}" : "",
            result.Bar is null ? "" : Verdict(result.Passes),
        ],
        Limit limit =>
        [
            limit.What,
            Number(limit.Measured),
            limit.Unit,
            "limit",
            Number(limit.AtMost),
            "",
            "≤ limit",
            Verdict(limit.Passes),
        ],
        _ => throw new ArgumentException($"There is no such line as {line}.", nameof(line)),
    });

    public void Print()
    {
        var widths = Enumerable.Range(0, Heads.Length).Select(column => _lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in _lines)
            output.WriteLine(string.Join("  ", line.Select((cell, column) => column is 1 or 4 or 5 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Verdict(bool passes) => passes ? "pass" : "short";

    private static string Number(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}
