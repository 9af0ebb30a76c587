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
public sealed class MachineSession(Assembly assembly, IReadOnlyList<MachineDisk> disks) : IAsyncDisposable
{
    private static readonly TimeSpan TestLimit = TimeSpan.FromMinutes(2);

    private VirtualMachine? _machine;

    /// <summary>The machine that is running; null before the first test, and after one that ended it.</summary>
    public VirtualMachine? Machine => _machine;

    /// <summary>Runs a test inside, and passes its result on to the one that is running here.</summary>
    /// <param name="test">Full name.</param>
    /// <param name="limit">How long it may take, booting included; two minutes when absent.</param>
    /// <exception cref="AssertionException">It did not pass; the message has the console's last lines.</exception>
    public async Task RunAsync(string test, TimeSpan? limit = null)
    {
        _machine ??= await VirtualMachine.StartAsync(new MachineOptions
        {
            ProgramDirectory = Path.GetDirectoryName(assembly.Location)!,
            Program = Path.GetFileName(assembly.Location),
            Disks = disks,
        });
        string line;
        try
        {
            await _machine.WriteLineAsync(test);
            line = await _machine.ReadLineAsync(limit ?? TestLimit);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }

        JsonConvert.DeserializeObject<InnerResult>(line)!.Report(_machine.Console);
    }

    public async ValueTask DisposeAsync()
    {
        if (_machine is { } machine)
        {
            _machine = null;
            await machine.DisposeAsync();
        }
    }
}
