using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Hypervisor;

/// <summary>A small Linux in which Debian's own guest agent runs.</summary>
internal static class AgentGuest
{
    /// <summary>How long it may take until its agent listens: every instruction is emulated, and others may be, too.</summary>
    internal static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(4);

    /// <param name="address">Which it has.</param>
    /// <param name="isDeaf">Whether its agent listens and never answers.</param>
    internal static async Task<DisklessBoot> BootAsync(string address, bool isDeaf = false)
    {
        var guest = (await ChildProcess.RunAsync(Repository.At("packaging", "quickstart", "guest"), [])).Trim();
        return new DisklessBoot.Kernel(
            Path.Combine(guest, "kernel"), Path.Combine(guest, "initrd-agent"),
            $"console=ttyS0 quiet no_timer_check address={address}/32{(isDeaf ? " deaf" : "")}");
    }
}
