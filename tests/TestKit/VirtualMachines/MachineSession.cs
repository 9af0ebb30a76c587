using System.Reflection;
using Newtonsoft.Json;
using NUnit.Framework;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// Runs tests of an assembly in a virtual machine, one after another. The machine boots for the first one, and again for the
/// next after one that hung or took the machine down with it: so each test has a result of its own.
/// </summary>
/// <param name="assembly">The one with the tests; a program that calls <see cref="InnerServer.ServeAsync"/>.</param>
/// <param name="disks">The disks of the machine.</param>
/// <param name="cards">Its network cards.</param>
public sealed class MachineSession(Assembly assembly, IReadOnlyList<MachineDisk> disks, IReadOnlyList<MachineCard> cards)
    : IAsyncDisposable
{
    private static readonly TimeSpan TestLimit = TimeSpan.FromMinutes(5);

    // Of all tests together; it is only for a test process that hangs itself.
    private static readonly TimeSpan MachineLimit = TimeSpan.FromHours(1);

    private readonly Dictionary<string, InnerResult> _results = [];

    // Those that were asked for are not run with others again, whatever became of them.
    private readonly HashSet<string> _asked = [];

    // Names of tests that the machine was told to run and has not answered yet.
    private readonly HashSet<string> _running = [];

    private VirtualMachine? _machine;

    /// <summary>The machine that is running; null before the first test, and after one that ended it.</summary>
    public VirtualMachine? Machine => _machine;

    /// <summary>
    /// Passes the result of a test inside on to the one that is running here. When there is none yet, it is run together with
    /// others, of which the results are kept until they are asked for: so a fixture is set up once.
    /// </summary>
    /// <param name="test">Full name.</param>
    /// <param name="others">In the order in which they run.</param>
    /// <param name="limit">How long one may take; five minutes when absent.</param>
    /// <exception cref="AssertionException">It did not pass; the message has the console's last lines.</exception>
    public async Task RunAsync(string test, IEnumerable<string>? others = null, TimeSpan? limit = null)
    {
        _asked.Add(test);
        _machine ??= await VirtualMachine.StartAsync(new MachineOptions
        {
            ProgramDirectory = Path.GetDirectoryName(assembly.Location)!,
            Program = Path.GetFileName(assembly.Location),
            Disks = disks,
            Cards = cards,
            Limit = MachineLimit,
        });
        try
        {
            if (!_results.ContainsKey(test) && !_running.Contains(test))
            {
                // Whatever runs still is of no test that anybody waits for.
                await DrainAsync(limit ?? TestLimit);
                _running.UnionWith([test, .. (others ?? []).Except(_results.Keys).Except(_asked)]);
                await _machine.WriteLineAsync(JsonConvert.SerializeObject(_running));
            }

            while (!_results.ContainsKey(test))
            {
                await ReadAsync(limit ?? TestLimit);
            }
        }
        catch
        {
            await DisposeAsync();
            throw;
        }

        _results.Remove(test, out var result);
        result!.Report(_machine.Console);
    }

    public async ValueTask DisposeAsync()
    {
        if (_machine is { } machine)
        {
            _machine = null;
            _running.Clear();
            await machine.DisposeAsync();
        }
    }

    private async Task DrainAsync(TimeSpan limit)
    {
        while (_running.Count > 0)
        {
            await ReadAsync(limit);
        }
    }

    private async Task ReadAsync(TimeSpan limit)
    {
        var result = JsonConvert.DeserializeObject<InnerResult>(await _machine!.ReadLineAsync(limit))!;
        _running.Remove(result.Name);
        _results[result.Name] = result;
    }
}
