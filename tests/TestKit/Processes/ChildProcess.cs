using System.Diagnostics;
using NUnit.Framework;

namespace PonyCloud.TestKit.Processes;

/// <summary>What a process can be sent.</summary>
public enum ProcessSignal
{
    Terminate,
    Kill,
    Stop,
    Continue,
}

/// <summary>
/// A process that a test started: its output line by line, its end, and signals to it. Disposing it kills it when it is
/// there still.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly Task _drained;

    // Completed and replaced whenever a line arrives or the output ends.
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ChildProcess(Process process)
    {
        _process = process;
        Id = process.Id;
        _drained = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public int Id { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>What it wrote so far, standard output and standard error as they came.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Its standard input, open until it is closed or the process disposed of.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Starts a program with exactly these arguments.</summary>
    /// <param name="file">The program, looked up in the path.</param>
    /// <param name="arguments">Each as it is; no shell is involved.</param>
    /// <param name="environment">Variables to set beside those inherited.</param>
    /// <param name="directory">Working directory; the test's own when absent.</param>
    public static ChildProcess Start(
        string file,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? directory = null)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? string.Empty,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(Process.Start(start) ?? throw new InvalidOperationException($"{file} did not start."));
    }

    /// <summary>Starts one of the daemons, as it was built together with the tests.</summary>
    public static ChildProcess StartDaemon(
        string project, string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        Start("dotnet", [Repository.Program(project, assembly), .. arguments], environment);

    /// <summary>Runs a command of one of the daemons to its end.</summary>
    /// <returns>What it wrote, without the last end of line.</returns>
    /// <exception cref="AssertionException">It failed, or took longer than it may.</exception>
    public static async Task<string> RunDaemonAsync(string project, string assembly, IEnumerable<string> arguments) =>
        (await RunAsync("dotnet", [Repository.Program(project, assembly), .. arguments])).Trim();

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote, standard output and standard error.</returns>
    /// <exception cref="AssertionException">It failed, or took longer than it may.</exception>
    public static async Task<string> RunAsync(
        string file,
        IEnumerable<string> arguments,
        TimeSpan? timeout = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        await using var process = Start(file, arguments, environment);
        process.Input.Close();
        var code = await process.WaitForExitAsync(timeout ?? Eventually.Patience);
        var output = string.Join('\n', process.Lines);
        return code == 0 ? output : throw new AssertionException($"{file} ended with exit code {code}:\n{output}");
    }

    /// <summary>Waits for a line that it writes, or wrote already.</summary>
    /// <exception cref="AssertionException">It ended, or the time did, before such a line.</exception>
    public async Task<string> WaitForLineAsync(string what, Func<string, bool> isIt, TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? Eventually.Patience);
        var seen = 0;
        while (true)
        {
            Task news;
            bool ended;
            lock (_lock)
            {
                for (; seen < _lines.Count; seen++)
                {
                    if (isIt(_lines[seen]))
                    {
                        return _lines[seen];
                    }
                }

                news = _news.Task;
                ended = _drained.IsCompleted;
            }

            if (ended)
            {
                throw Failure($"ended without {what}");
            }

            try
            {
                await Task.WhenAny(news, _drained).WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw Failure($"did not write {what} in time");
            }
        }
    }

    /// <summary>Waits for its end, and for all that it wrote.</summary>
    /// <returns>The exit code; 128 and the signal's number when a signal ended it.</returns>
    /// <exception cref="AssertionException">It did not end in time.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? timeout = null)
    {
        using var limit = new CancellationTokenSource(timeout ?? Eventually.Patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw Failure("did not end in time");
        }

        try
        {
            await _drained.WaitAsync(DrainLimit);
        }
        catch (TimeoutException)
        {
            // A child of its own that lives on holds the other end; its own output has long arrived.
        }

        return _process.ExitCode;
    }

    /// <summary>Sends it a signal, by its pid.</summary>
    public async Task SignalAsync(ProcessSignal signal)
    {
        if (signal == ProcessSignal.Kill)
        {
            _process.Kill();
            return;
        }

        if (!_process.HasExited)
        {
            await SendAsync(Id, signal);
        }
    }

    /// <summary>Sends a signal to a process that is no child of the test, such as a guest.</summary>
    public static Task SendAsync(int pid, ProcessSignal signal)
    {
        var name = signal switch
        {
            ProcessSignal.Terminate => "-TERM",
            ProcessSignal.Kill => "-KILL",
            ProcessSignal.Stop => "-STOP",
            ProcessSignal.Continue => "-CONT",
            _ => throw new ArgumentOutOfRangeException(nameof(signal)),
        };
        return RunAsync("kill", [name, pid.ToString()]);
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync(TimeSpan? timeout = null)
    {
        await SignalAsync(ProcessSignal.Terminate);
        return await WaitForExitAsync(timeout);
    }

    /// <summary>Ends it at once, as a crash or the out-of-memory killer would.</summary>
    public async Task KillAsync()
    {
        await SignalAsync(ProcessSignal.Kill);
        await WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_lock)
            {
                _lines.Add(line);
                _news.SetResult();
                _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private AssertionException Failure(string what) => new(
        $"{_process.StartInfo.FileName} {string.Join(' ', _process.StartInfo.ArgumentList)} {what}. It wrote:\n"
        + string.Join('\n', Lines.TakeLast(60)));
}
