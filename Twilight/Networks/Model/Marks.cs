namespace PonyCloud.Twilight.Networks.Model;

/// <summary>How the kernel tells what the platform made from what it did not.</summary>
public static class Marks
{
    /// <summary>The beginning of the alias of links. What follows says what they are for.</summary>
    public const string Alias = "ponycloud";

    /// <summary>The origin of routes and routing rules (rtm_protocol), one that nobody else has.</summary>
    public const int Protocol = 98;

    /// <summary>The metric of addresses, since they have no origin; a network that somebody else put on the link is preferred.</summary>
    public const int Metric = 9860;

    /// <summary>The beginning of the names of namespaces.</summary>
    public const string Namespace = "pc-";
}
