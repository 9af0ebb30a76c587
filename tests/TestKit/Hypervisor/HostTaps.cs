using System.Globalization;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>Takes a card for ready when its tap device is there, whoever made it and whatever else is right with it.</summary>
/// <param name="sys">Where the kernel shows its devices, <c>/sys</c> but in tests.</param>
public sealed class HostTaps(string sys) : IInstanceCards
{
    /// <inheritdoc/>
    /// <remarks>Never raised, since nobody tells: who waits for a card looks again by itself.</remarks>
    public event Action? Changed
    {
        add
        {
        }
        remove
        {
        }
    }

    public CardState Of(Guid vnic)
    {
        var tap = LinkNames.Tap(vnic);
        var directory = Path.Combine(sys, "class", "net", tap);
        try
        {
            if (!Directory.Exists(directory))
                return new CardState(CardReadiness.Waiting, $"there is no tap device {tap} yet");
            return File.Exists(Path.Combine(directory, "tun_flags"))
                ? new CardState(CardReadiness.Ready, Mtu: int.Parse(File.ReadAllText(Path.Combine(directory, "mtu")), CultureInfo.InvariantCulture))
                : new CardState(CardReadiness.Broken, $"the host has a {tap} that is no tap device");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            // It may have gone between two looks; the next look tells.
            return new CardState(CardReadiness.Waiting, $"the tap device {tap} cannot be looked at: {exception.Message}");
        }
    }
}
