namespace PonyCloud.Shared.Entities;

/// <summary>How a host is with a network link that it has, or is to have.</summary>
public enum LinkStatus
{
    /// <summary>It is ordered, and the host does not have it.</summary>
    Missing,

    /// <summary>It is there, and nothing uses it.</summary>
    Ready,

    /// <summary>It is in use, and nothing comes through: no carrier, or none that works below it.</summary>
    Inactive,

    /// <summary>It is in use and works.</summary>
    Active,

    /// <summary>The host cannot make it what is ordered; <c>why</c> says more.</summary>
    Broken,
}
