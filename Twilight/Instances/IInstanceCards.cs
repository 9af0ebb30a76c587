namespace PonyCloud.Twilight.Instances;

/// <summary>Whether a guest can be given a card.</summary>
public enum CardReadiness
{
    /// <summary>Not yet.</summary>
    Waiting,

    /// <summary>Its tap device is there, in its switch and behind its filter.</summary>
    Ready,

    /// <summary>Not, and not by waiting alone.</summary>
    Broken,
}

/// <summary>What there is on the host for a card of an instance.</summary>
/// <param name="Why">In words, to follow the card's name and a colon; null when it is ready.</param>
/// <param name="Mtu">The largest packet that its switch carries here, bytes; null when that is not known.</param>
public sealed record CardState(CardReadiness Readiness, string? Why = null, int? Mtu = null)
{
    /// <summary>Nobody has said anything of it.</summary>
    public static CardState Unknown { get; } = new(CardReadiness.Waiting, "its tap device is not there yet");
}

/// <summary>
/// The host's side of the cards of instances: the tap devices that libvirt only opens. Whoever makes them tells by this when
/// a guest may have them.
/// </summary>
public interface IInstanceCards
{
    /// <summary>Raised when an answer of <see cref="Of"/> may be another. On any thread; handlers do not block.</summary>
    event Action? Changed;

    /// <summary>What there is for the card now. Answers at once.</summary>
    CardState Of(Guid vnic);
}
