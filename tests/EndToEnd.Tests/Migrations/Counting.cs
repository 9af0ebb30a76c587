using System.Collections.Concurrent;
using System.Globalization;
using PonyCloud.EndToEnd.Tests.Networks;

namespace PonyCloud.EndToEnd.Tests.Migrations;

/// <summary>
/// Reads along what a guest that counts writes to its console, on whichever host it is. Its log goes with it.
/// </summary>
public sealed class Counting : IAsyncDisposable
{
    private const string Word = "count ";

    // A console that is read a moment after the other one is behind by no more than this.
    private const int Behind = 5;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<CloudHost, string> _consoles = [];
    private readonly Dictionary<CloudHost, bool> _isBehind = [];
    private readonly Guid _instance;
    private readonly CloudHost[] _hosts;
    private readonly Task _reading;

    public Counting(Guid instance, params CloudHost[] hosts)
    {
        _instance = instance;
        _hosts = hosts;
        _reading = ReadAsync();
    }

    /// <summary>The last number that it wrote anywhere; -1 before the first.</summary>
    public int Last => _hosts.Select(Of).Select(WholeLines).SelectMany(NumbersIn).DefaultIfEmpty(-1).Max();

    /// <summary>Whether it was seen to count from the beginning again.</summary>
    public bool BeganAnew { get; private set; }

    /// <summary>What stands in its log on a host, as numbers.</summary>
    public IReadOnlyList<int> Numbers(CloudHost host) => [.. NumbersIn(WholeLines(Of(host)))];

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _reading;
        _ending.Dispose();
    }

    private string Of(CloudHost host) => _consoles.GetValueOrDefault(host, "");

    private async Task ReadAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                foreach (var host in _hosts)
                {
                    if (host.Console(_instance) is not { Length: > 0 } console || console == Of(host))
                        continue;
                    // A log that has come from another host may be seen in part, and no more than once so.
                    var isBehind = NumbersIn(WholeLines(console)).LastOrDefault(Last) < Last - Behind;
                    BeganAnew |= isBehind && _isBehind.GetValueOrDefault(host);
                    _isBehind[host] = isBehind;
                    _consoles[host] = console;
                }
            }
            while (await timer.WaitForNextTickAsync(_ending.Token));
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    // What stands behind the last end of a line may be the beginning of a number only.
    private static string WholeLines(string console) => console[..(console.LastIndexOf('\n') + 1)];

    private static IEnumerable<int> NumbersIn(string console) => console.Split('\n')
        .Select(line => line.Trim('\r', ' '))
        .Where(line => line.StartsWith(Word, StringComparison.Ordinal))
        .Select(line => int.TryParse(line[Word.Length..], CultureInfo.InvariantCulture, out var number) ? number : -1)
        .Where(number => number >= 0);
}
