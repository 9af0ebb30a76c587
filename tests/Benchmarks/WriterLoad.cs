using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace PonyCloud.Benchmarks;

/// <summary>Writers from outside of the measured process, by <c>pgbench</c>: eight of them, each changes one instance after the other.</summary>
internal static partial class WriterLoad
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Commits per second.</summary>
    /// <param name="database">One of <see cref="InstanceTable"/>.</param>
    /// <param name="instances">How many there are.</param>
    /// <exception cref="InvalidOperationException">pgbench failed.</exception>
    public static async Task<double> RunAsync(string database, int instances)
    {
        var settings = new NpgsqlConnectionStringBuilder(database);
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, string.Create(CultureInfo.InvariantCulture, $"""
                \set n random(0, {instances - 1})
                \set mem random(16, 65536)
                UPDATE instance SET mem = :mem WHERE uuid = md5('instance' || :n)::uuid;
                """));
            var start = new ProcessStartInfo(
                PgBench(), ["-n", "-c8", "-j1", "-T3", "-f", script, "-h", settings.Host!, "-U", settings.Username!, settings.Database!])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var pgbench = Process.Start(start) ?? throw new InvalidOperationException("pgbench does not start.");
            using var timeout = new CancellationTokenSource(Patience);
            var errors = pgbench.StandardError.ReadToEndAsync(timeout.Token);
            var output = await pgbench.StandardOutput.ReadToEndAsync(timeout.Token);
            await pgbench.WaitForExitAsync(timeout.Token);
            var rate = CommitsPerSecond().Match(output);
            return pgbench.ExitCode == 0 && rate.Success
                ? double.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture)
                : throw new InvalidOperationException($"pgbench: {output} {await errors}");
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static string PgBench() =>
        Directory.GetDirectories("/usr/lib/postgresql").Select(directory => Path.Combine(directory, "bin", "pgbench")).Where(File.Exists).Max()
            ?? throw new InvalidOperationException("pgbench is not installed.");

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex CommitsPerSecond();
}
