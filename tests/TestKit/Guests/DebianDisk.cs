using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Guests;

/// <summary>A disk with a real Debian, which cloud-init makes a machine of somebody's at its first boot.</summary>
public static class DebianDisk
{
    /// <summary>Who logs in with the key of an instance.</summary>
    public const string User = "debian";

    /// <summary>How long it may take until it shows its login prompt: every instruction is emulated, and others may be, too.</summary>
    public static readonly TimeSpan BootLimit = TimeSpan.FromMinutes(6);

    // On a fresh machine its packages are fetched and unpacked first, and others may be waited for.
    private static readonly TimeSpan MakingLimit = TimeSpan.FromMinutes(15);

    /// <summary>Makes the disk unless this machine has it.</summary>
    /// <returns>Its path (qcow2). It is everybody's: write to an overlay or a copy.</returns>
    public static async Task<string> MakeAsync() =>
        (await ChildProcess.RunAsync(Repository.At("packaging", "images", "debian"), [], MakingLimit)).Trim();
}
