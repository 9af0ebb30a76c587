using System.Diagnostics;
using System.Globalization;

namespace PonyCloud.TestKit.Database;

/// <summary>Runs commands to their end, within a time, and fails when they fail.</summary>
public static class TestProcess
{
    /// <returns>What the command wrote to its standard output.</returns>
    public static async Task<string> RunAsync(string file, IEnumerable<string> arguments, TimeSpan limit, string? input = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start.");
        using var deadline = new CancellationTokenSource(limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), deadline.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{file} ended with {process.ExitCode}: {await error}{await output}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{file} did not end within {limit}.");
        }
    }

    /// <summary>The processes whose parent is this one.</summary>
    public static IReadOnlyList<int> ChildrenOf(int pid) =>
        [.. Directory.GetDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(candidate => ParentOf(candidate) == pid)];

    public static bool IsThere(int pid) => Stat(pid) is { } stat && stat[0] != "Z";

    /// <summary>Waits until the process is gone, or has ended and only waits to be reaped.</summary>
    public static async Task WaitForEndAsync(int pid, TimeSpan limit)
    {
        // A process that is none of ours cannot be waited for, only looked at.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var deadline = new CancellationTokenSource(limit);
        while (IsThere(pid))
            await timer.WaitForNextTickAsync(deadline.Token);
    }

    private static int ParentOf(int pid) => Stat(pid) is { } stat ? int.Parse(stat[1], CultureInfo.InvariantCulture) : 0;

    // State, parent and so on: what follows the name, which may itself hold spaces and parentheses.
    private static string[]? Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
