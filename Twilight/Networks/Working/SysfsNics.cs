using System.Globalization;

namespace PonyCloud.Twilight.Networks.Working;

/// <param name="Speed">Mbit/s; null while it is not negotiated.</param>
public sealed record NicFacts(string? Driver, int? Speed);

/// <summary>What the kernel knows of a card beyond its link.</summary>
/// <param name="root">Where sysfs is, <c>/sys</c>.</param>
public sealed class SysfsNics(string root)
{
    public NicFacts Of(string link)
    {
        var directory = Path.Combine(root, "class", "net", link);
        return new NicFacts(
            Path.GetFileName(new FileInfo(Path.Combine(directory, "device", "driver")).LinkTarget),
            SpeedIn(Path.Combine(directory, "speed")));
    }

    private static int? SpeedIn(string file)
    {
        try
        {
            return int.TryParse(File.ReadAllText(file), NumberStyles.Integer, CultureInfo.InvariantCulture, out var speed) && speed > 0 ? speed : null;
        }
        catch (IOException)
        {
            // The kernel refuses the question while the card is down, and a card may be gone.
            return null;
        }
    }
}
