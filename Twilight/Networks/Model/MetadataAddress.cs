using System.Net;

namespace PonyCloud.Twilight.Networks.Model;

/// <summary>Where guests look for the metadata service, on every cloud.</summary>
public static class MetadataAddress
{
    public const string Text = "169.254.169.254";

    public const int Port = 80;

    /// <summary>As a route leads to it.</summary>
    public const string Network = Text + "/32";

    public static IPEndPoint EndPoint { get; } = new(IPAddress.Parse(Text), Port);
}
