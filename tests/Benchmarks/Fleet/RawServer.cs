using System.Globalization;
using PonyCloud.Benchmarks.Fleet.Role;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>A bare ROUTER socket in a process of its own, in the place of Sparkle.</summary>
internal sealed class RawServer(string endpoint, int answerBytes) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private RoleProcess? _process;

    public ProcessFigures Figures => new(_process!.Id);

    public async Task StartAsync()
    {
        _process = RoleProcess.Start(RawServerRole.Name, endpoint, answerBytes);
        await _process.NextAsync("ready", Patience);
    }

    /// <summary>Ends it at once, as a crash would.</summary>
    public async Task KillAsync()
    {
        await _process!.KillAsync();
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>
    /// How many messages that want no answer have come, once no more do: a connection that breaks under the load takes some
    /// along, and nobody sends them again.
    /// </summary>
    public async Task<long> ReceivedAsync()
    {
        using var timer = new PeriodicTimer(Quiet);
        var (before, received) = (-1L, 0L);
        while (received != before)
        {
            before = received;
            await timer.WaitForNextTickAsync();
            await _process!.SayAsync("count");
            received = long.Parse((await _process.NextAsync("count", Patience))[0], CultureInfo.InvariantCulture);
        }
        return received;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
    }
}
