using System.Globalization;
using PonyCloud.Twilight.Tests.Devices;
using PonyCloud.Twilight.Tests.Networks.Serving;

namespace PonyCloud.Twilight.Tests;

/// <summary>What a test runs in namespaces of their own, or to kill it.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case [RemoteDeviceMonitor.Verb, var bufferBytes]:
                await RemoteDeviceMonitor.ServeAsync(int.Parse(bufferBytes, CultureInfo.InvariantCulture));
                return 0;
            case [ServingAgent.Verb, var directory]:
                await ServingAgent.RunAsync(directory);
                return 0;
            default:
                return 64;
        }
    }
}
