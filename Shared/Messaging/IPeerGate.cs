namespace PonyCloud.Shared.Messaging;

/// <summary>Who may connect. Asked by the thread of the transport, so every answer is quick; safe from any thread.</summary>
public interface IPeerGate
{
    /// <summary>
    /// Whether a peer that proved to hold a key may connect now. One that may not is to try again later, so a refusal
    /// needs no reason.
    /// </summary>
    /// <param name="key">Its public key: 40 characters of Z85.</param>
    /// <param name="address">The IP address that it connects from.</param>
    bool Admits(string key, string address);

    /// <summary>Whether a key is known; the others are strangers, of whom a transport takes less.</summary>
    bool Knows(string key);
}

/// <summary>Lets everybody in, and knows everybody.</summary>
public sealed class OpenGate : IPeerGate
{
    public bool Admits(string key, string address) => true;

    public bool Knows(string key) => true;
}
