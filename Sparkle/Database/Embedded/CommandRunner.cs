using System.Diagnostics;

namespace PonyCloud.Sparkle.Database.Embedded;

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>What it said, errors first, in one line.</summary>
    public string Said => string.Join(' ', $"{Error} {Output}".Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>Runs the server's own tools, as the user that the server runs as.</summary>
/// <param name="user">The user; null for the one that Sparkle runs as.</param>
internal sealed class CommandRunner(string? user, TimeProvider time)
{
    /// <exception cref="TimeoutException">It did not end in time, and was killed.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    public async Task<CommandResult> RunAsync(
        string file, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancellation, string? input = null)
    {
        var start = new ProcessStartInfo
        {
            // The server must not keep the directory busy that Sparkle was started in, nor fail where it may not enter.
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (user is not null)
        {
            start.FileName = "setpriv";
            foreach (var argument in new[] { $"--reuid={user}", $"--regid={user}", "--init-groups", "--", file })
                start.ArgumentList.Add(argument);
        }
        else
        {
            start.FileName = file;
        }
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        start.Environment["LC_ALL"] = "C";
        // Whatever says elsewhere how to reach some other server is not meant for this one.
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("PG", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start.");
        using var deadline = new CancellationTokenSource(limit, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(stop.Token);
            var error = process.StandardError.ReadToEndAsync(stop.Token);
            if (input is not null)
                await process.StandardInput.WriteAsync(input.AsMemory(), stop.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(stop.Token);
            return new CommandResult(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            // The tool alone: a server that pg_ctl has just started may live, and is found and stopped by its pid file.
            process.Kill();
            if (cancellation.IsCancellationRequested)
                throw;
            throw new TimeoutException($"{Path.GetFileName(file)} did not end within {limit.TotalSeconds:0} s.");
        }
    }
}
