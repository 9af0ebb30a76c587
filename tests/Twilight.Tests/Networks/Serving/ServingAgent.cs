using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

/// <summary>A process that serves the switch of the tests, for somebody to kill.</summary>
internal static class ServingAgent
{
    public const string Verb = "serve-switch";
    public const string Ready = "serving";

    public static async Task RunAsync(string directory)
    {
        var tools = new ToolRunner(ServedSwitch.Here, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        var services = new DnsmasqServices(
            new ServingOptions { Directory = directory }, tools, TimeProvider.System, NullLoggerFactory.Instance);
        var report = await services.ApplyAsync([ServedSwitch.Service], CancellationToken.None);
        Console.WriteLine(report.Problems.IsEmpty ? Ready : string.Join(' ', report.Problems.Values.SelectMany(words => words)));
        await Console.In.ReadToEndAsync();
    }
}
