using System.Net;

namespace PonyCloud.Twilight.Http;

/// <summary>How the server of this host listens, and its bounds.</summary>
public sealed record HostServerOptions
{
    /// <summary>Port 0 takes a free one.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 0);

    /// <summary>The name or address by which others reach this host.</summary>
    public required string Advertised { get; init; }

    /// <summary>The least rate of a peer that is to send or take a body, in bytes a second.</summary>
    public double RateMin { get; init; } = 4096;

    /// <summary>So long a peer may be slower.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);
}
