namespace PonyCloud.Pony.Profiles;

/// <summary>A server, and who one is there. Holds a token: it is kept in a file that only its owner reads.</summary>
internal sealed record Profile
{
    /// <summary>Where the server is, such as <c>https://cloud.example:9860</c>.</summary>
    public required Uri Server { get; init; }

    public required string Email { get; init; }

    public required string Token { get; init; }

    public DateTimeOffset? Expires { get; init; }

    /// <summary>An operator of the platform, who needs no token of a tenant.</summary>
    public bool Alicorn { get; init; }

    /// <summary>The tenant that commands speak of unless told otherwise.</summary>
    public string? Tenant { get; init; }

    /// <summary>Certificates, in PEM, by which alone the server may prove who it is; those of the system when absent.</summary>
    public string? CaFile { get; init; }

    /// <summary>The certificate is not looked at. Only for a server on this machine.</summary>
    public bool Insecure { get; init; }

    /// <summary>A record prints its members: never this one's.</summary>
    public override string ToString() => $"{Email} at {Server}";
}
