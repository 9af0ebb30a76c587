using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Threading.Channels;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>The benchmark's own program, started once more in another role. It is spoken to by lines.</summary>
internal sealed class RoleProcess : IAsyncDisposable
{
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task _reading;

    private RoleProcess(Process process)
    {
        _process = process;
        _reading = ReadAsync();
    }

    public int Id => _process.Id;

    /// <summary>Takes the lines that begin with this word, with the words after it, instead of <see cref="NextAsync"/>.</summary>
    public (string Word, Action<string[]> Take)? Aside { get; set; }

    public static RoleProcess Start(string role, params IEnumerable<object> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Assembly.GetExecutingAssembly().Location, role, .. arguments.Select(Text)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return new RoleProcess(Process.Start(start) ?? throw new InvalidOperationException("dotnet does not start."));
    }

    public Task SayAsync(params IEnumerable<object> words) => _process.StandardInput.WriteLineAsync(string.Join(' ', words.Select(Text)));

    /// <summary>The next line, which begins with this word; the words after it.</summary>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="InvalidOperationException">Another line came, or the process ended.</exception>
    public async Task<string[]> NextAsync(string word, TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        string line;
        try
        {
            line = await _lines.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"Waited {timeout} for {word}.");
        }
        catch (ChannelClosedException)
        {
            throw new InvalidOperationException($"A process of the fleet ended, and {word} was awaited.");
        }
        var words = line.Split(' ');
        return words[0] == word ? words[1..] : throw new InvalidOperationException($"{word} was awaited, and {line} came.");
    }

    /// <summary>Ends it at once.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await _reading;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var limit = new CancellationTokenSource(EndPatience);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
            }
        }
        await _reading;
        _process.Dispose();
    }

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Aside is var (word, take) && line.StartsWith(word + " ", StringComparison.Ordinal))
                take(line.Split(' ')[1..]);
            else
                _lines.Writer.TryWrite(line);
        }
        _lines.Writer.Complete();
    }
}
