using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Devices.Health;

/// <summary>Asks by way of smartctl (smartmontools), which knows how each kind of disk is asked.</summary>
/// <param name="timeout">A disk that takes longer does not answer. Disks that retry a bad sector take many seconds.</param>
/// <param name="tool">Its name or path.</param>
public sealed class SmartctlProbe(IToolRunner tools, TimeSpan timeout, string tool = "smartctl") : IHealthProbe
{
    // The exit status is a set of bits: whatever it is, the report says more.
    private static readonly int[] AnyStatus = [.. Enumerable.Range(0, 256)];

    public async Task<HealthReading?> ReadAsync(string node, CancellationToken cancellationToken)
    {
        var call = new ToolCall(tool, "--json", "--health", "--attributes", "--nocheck=standby,0", "--", node)
        {
            Timeout = timeout,
            Accepted = AnyStatus,
        };
        var result = await tools.RunAsync(call, cancellationToken);
        return SmartReport.Judge(result.ExitCode, result.Output);
    }
}
