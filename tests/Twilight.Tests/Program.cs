using System.Globalization;
using PonyCloud.Twilight.Tests.Devices;

namespace PonyCloud.Twilight.Tests;

/// <summary>What a test runs in namespaces of their own.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [RemoteDeviceMonitor.Verb, var bufferBytes])
            return 64;
        await RemoteDeviceMonitor.ServeAsync(int.Parse(bufferBytes, CultureInfo.InvariantCulture));
        return 0;
    }
}
