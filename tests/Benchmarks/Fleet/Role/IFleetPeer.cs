using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>One of many peers that a thread serves. Everything is called by that thread.</summary>
internal interface IFleetPeer
{
    RouterSocket Socket { get; }

    /// <summary>A message came.</summary>
    void Receive(ReadOnlySpan<byte> body, TimeSpan now);

    /// <summary>Time has passed.</summary>
    void Tick(TimeSpan now);
}
