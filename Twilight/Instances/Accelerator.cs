namespace PonyCloud.Twilight.Instances;

/// <summary>What executes the guests' instructions.</summary>
public enum Accelerator
{
    /// <summary>Emulation by QEMU.</summary>
    Tcg,

    /// <summary>The processor's own virtualization.</summary>
    Kvm,
}

/// <summary>The setting that chooses the <see cref="Accelerator"/>.</summary>
public enum AcceleratorChoice
{
    /// <summary>KVM where it works, else TCG.</summary>
    Auto,
    Kvm,
    Tcg,
}

/// <summary>Finds out what the machine can do.</summary>
public static class Accelerators
{
    /// <summary>
    /// The accelerator to use. <c>/dev/kvm</c> alone proves nothing: it also exists where the processor lacks the
    /// instructions and every guest would fail.
    /// </summary>
    /// <param name="cpuFeatures">Flags as in <c>/proc/cpuinfo</c>.</param>
    /// <param name="kvmDevice">The device file, <c>/dev/kvm</c> but in tests.</param>
    public static Accelerator Choose(AcceleratorChoice choice, IReadOnlyCollection<string> cpuFeatures, string kvmDevice) => choice switch
    {
        AcceleratorChoice.Kvm => Accelerator.Kvm,
        AcceleratorChoice.Tcg => Accelerator.Tcg,
        _ => (cpuFeatures.Contains("vmx") || cpuFeatures.Contains("svm")) && IsUsable(kvmDevice) ? Accelerator.Kvm : Accelerator.Tcg,
    };

    public static string NameOf(Accelerator accelerator) => accelerator == Accelerator.Kvm ? "kvm" : "tcg";

    private static bool IsUsable(string device)
    {
        try
        {
            using var opened = File.Open(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // That it cannot be opened is the answer.
            return false;
        }
    }
}
