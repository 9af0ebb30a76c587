using System.Reflection;
using Newtonsoft.Json;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// The program that runs inside of a virtual machine: takes the names of tests from the port, runs them, answers with an
/// <see cref="InnerResult"/> for each, and goes on until nobody is there any more.
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
        var uptime = await File.ReadAllTextAsync("/proc/uptime");
        Console.WriteLine($"{tests.Names.Count} tests are ready after {uptime.Split(' ')[0]} seconds");
        while (await reader.ReadLineAsync() is { } names)
        {
            var before = MachineState.Read();
            tests.Run(
                JsonConvert.DeserializeObject<string[]>(names)!,
                result => writer.WriteLine(JsonConvert.SerializeObject(result)),
                () => Left(before));
        }
    }

    private static string Left(MachineState before) =>
        MachineState.Read().Except(before) is { Count: > 0 } left ? $"It left behind: {string.Join(", ", left)}" : string.Empty;
}
