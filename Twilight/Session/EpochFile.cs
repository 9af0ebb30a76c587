using System.Globalization;
using System.Text;
using PonyCloud.Shared.Hosting;

namespace PonyCloud.Twilight.Session;

/// <summary>
/// The highest epoch that this host has heard, on disk: Twilight that is started anew does not obey a controller that its
/// predecessor would have refused (R16).
/// </summary>
public sealed class EpochFile(string path)
{
    /// <returns>Null when nothing was kept yet.</returns>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="InvalidDataException">The file holds no epoch.</exception>
    public long? Read()
    {
        if (!File.Exists(path))
            return null;
        return long.TryParse(File.ReadAllText(path).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
            ? epoch
            : throw new InvalidDataException($"{path} does not hold an epoch; remove it if the host is to obey any controller.");
    }

    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void Write(long epoch) => WholeFile.Write(
        path, Encoding.ASCII.GetBytes(epoch.ToString(CultureInfo.InvariantCulture) + "\n"), WholeFile.Public, replace: true);
}
