namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>
/// What the guest has written to its volume, which only one host reaches: each write is one version more. Whoever runs it on anything but
/// the newest has lost what was written, or makes a second content of it.
/// </summary>
internal sealed class DiskLedger
{
    public int Newest { get; private set; }

    public string? Violation { get; private set; }

    /// <summary>The guest runs for a moment on this version, and writes.</summary>
    public int Write(int version, string host)
    {
        if (version != Newest)
            Violation ??= $"{host} lets it run on version {version} of its volume, and {Newest} is the newest.";
        return Newest = version + 1;
    }

    /// <summary>What was lost is replaced, by something else.</summary>
    public int Replace() => ++Newest;

    public void Break(string violation) => Violation ??= violation;
}
