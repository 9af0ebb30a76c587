namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>libzmq refused something: the message says what was tried, on which endpoint, and libzmq's reason.</summary>
public sealed class ZeroMqException : Exception
{
    internal ZeroMqException(string what, int error)
        : base($"{what}: {Native.Describe(error)} (errno {error})") => Error = error;

    /// <summary>The errno; see errno(3) and zmq.h.</summary>
    public int Error { get; }
}
