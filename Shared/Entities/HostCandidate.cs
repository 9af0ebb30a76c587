using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <summary>Why a machine may not speak for a host.</summary>
public enum HostRefusal
{
    /// <summary>No host with this uuid is declared.</summary>
    Undeclared,

    /// <summary>The host is declared, and no key may speak for it yet.</summary>
    WithoutKey,

    /// <summary>The host's key is another one.</summary>
    OtherKey,

    /// <summary>The host was given up by an operator.</summary>
    Gone,
}

/// <summary>What a stranger says of itself. All of it is for people to look at; nothing follows from it.</summary>
public sealed record HostCandidateCurrent
{
    [Description("uuid and fingerprint, joined by a dot.")]
    public required string Id { get; init; }

    [Description("The uuid that the machine claims.")]
    public required Guid Uuid { get; init; }

    [Description("Of the key: the first 32 hexadecimal digits of the SHA-256 of its text. The machine's Twilight logs the same.")]
    public required string Fingerprint { get; init; }

    [Description("The public key that the machine proved to hold. As agent_key of the host, it makes the machine that host.")]
    public required string AgentKey { get; init; }

    [Description("The IP address that it spoke from last.")]
    public required string Address { get; init; }

    public required DateTimeOffset FirstSeen { get; init; }

    public required DateTimeOffset LastSeen { get; init; }

    [Description("Why it is not a host.")]
    public required HostRefusal Why { get; init; }

    [Description("What the machine says it is, in the form of a host's current part; absent when it says too much.")]
    public JsonText? Inventory { get; init; }
}

public sealed class HostCandidateDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_candidate", "A machine that would be a host and may not; known only while it speaks.")
        .KeyedBy("id")
        .Derived<HostCandidateCurrent>()
        .Mount("/host-candidate", Access.Protected)
        .Build();
}
