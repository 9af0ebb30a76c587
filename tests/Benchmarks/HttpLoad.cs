using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace PonyCloud.Benchmarks;

/// <summary>Load from outside of the measured process, by <c>wrk</c>: one thread, 32 connections.</summary>
internal static partial class HttpLoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Requests answered per second.</summary>
    /// <exception cref="InvalidOperationException">wrk failed, or an answer was not a success.</exception>
    public static async Task<double> RunAsync(string url, string token)
    {
        var start = new ProcessStartInfo("wrk", ["-t1", "-c32", "-d2s", "-H", $"Authorization: Bearer {token}", url])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var wrk = Process.Start(start) ?? throw new InvalidOperationException("wrk does not start.");
        using var timeout = new CancellationTokenSource(Patience);
        var output = await wrk.StandardOutput.ReadToEndAsync(timeout.Token);
        await wrk.WaitForExitAsync(timeout.Token);
        var rate = RequestsPerSecond().Match(output);
        if (wrk.ExitCode != 0 || !rate.Success || output.Contains("Non-2xx", StringComparison.Ordinal))
            throw new InvalidOperationException($"wrk against {url}: {output}");
        return double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"Requests/sec:\s+([0-9.]+)")]
    private static partial Regex RequestsPerSecond();
}
