using System.Globalization;

namespace PonyCloud.Benchmarks;

/// <summary>One line of the table.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Measured">In <paramref name="Unit"/>.</param>
/// <param name="Peer">What it is held against.</param>
/// <param name="PeerMeasured">In the same unit, from the same run.</param>
/// <param name="Bar">The wanted ratio of measured to peer.</param>
/// <param name="HigherIsBetter">Whether the ratio is to be at least the bar, or at most.</param>
internal sealed record Result(string What, double Measured, string Unit, string Peer, double PeerMeasured, double Bar, bool HigherIsBetter)
{
    public double Ratio => Measured / PeerMeasured;

    public bool Passes => HigherIsBetter ? Ratio >= Bar : Ratio <= Bar;
}

internal sealed class ResultTable(TextWriter output)
{
    private static readonly string[] Heads = ["what", "measured", "unit", "peer", "peer measured", "ratio", "bar", ""];

    private readonly List<string[]> _lines = [Heads];

    public void Add(Result result) => _lines.Add(
    [
        result.What,
        Number(result.Measured),
        result.Unit,
        result.Peer,
        Number(result.PeerMeasured),
        result.Ratio.ToString("0.00", CultureInfo.InvariantCulture),
        $"{(result.HigherIsBetter ? "≥" : "≤")} {result.Bar.ToString("0.##", CultureInfo.InvariantCulture)}",
        result.Passes ? "pass" : "short",
    ]);

    public void Print()
    {
        var widths = Enumerable.Range(0, Heads.Length).Select(column => _lines.Max(line => line[column].Length)).ToArray();
        foreach (var line in _lines)
            output.WriteLine(string.Join("  ", line.Select((cell, column) => column is 1 or 4 or 5 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Number(double value) => value.ToString(value < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}
