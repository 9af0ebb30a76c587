using System.Reflection;
using Newtonsoft.Json;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// The program that runs inside of a virtual machine: takes the name of a test from the port, runs it, answers with an
/// <see cref="InnerResult"/>, and goes on until nobody is there any more.
/// </summary>
public static class InnerServer
{
    /// <param name="assembly">The one with the tests.</param>
    /// <param name="port">Path of the port's device.</param>
    public static async Task ServeAsync(Assembly assembly, string port)
    {
        var tests = new InnerTests(assembly);
        // A port is opened once, for both directions; it cannot be sought in, and waits for no buffer to be full.
        await using var stream = new FileStream(port, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        using var reader = new StreamReader(stream);
        await using var writer = new StreamWriter(stream) { AutoFlush = true, NewLine = "\n" };
        Console.WriteLine($"{tests.Names.Count} tests are ready after {(await File.ReadAllTextAsync("/proc/uptime")).Split(' ')[0]} seconds");
        while (await reader.ReadLineAsync() is { } name)
        {
            Console.WriteLine($"Test {name}");
            var before = MachineState.Read();
            var result = tests.Run(name);
            var left = MachineState.Read().Except(before);
            await writer.WriteLineAsync(JsonConvert.SerializeObject(left.Count == 0 ? result : result with
            {
                Passed = false,
                Message = $"{result.Message}It left behind: {string.Join(", ", left)}",
            }));
        }
    }
}
