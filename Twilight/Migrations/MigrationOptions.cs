namespace PonyCloud.Twilight.Migrations;

/// <summary>Where hypervisor, emulators and agent meet for the move of instances.</summary>
public sealed record MigrationOptions
{
    /// <summary>Directory of the sockets, as hypervisor and emulators see it. Only they and the agent may enter.</summary>
    public required string Directory { get; init; }

    /// <summary>The root directory of the hypervisor as the agent sees it, where it is not the agent's own.</summary>
    public string Root { get; init; } = "";

    /// <summary>Where the hypervisor of this host listens, as the agent sees it.</summary>
    public required string HypervisorSocket { get; init; }

    /// <summary>How often is asked how far a sending has come.</summary>
    public TimeSpan LookAgainAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>So long the door of another host may take to answer.</summary>
    public TimeSpan DoorLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>At most so long is a definition, in bytes.</summary>
    public int DefinitionMax { get; init; } = 1 << 20;

    /// <summary>At most so much of the log of a console goes with its instance, in bytes.</summary>
    public long ConsoleMax { get; init; } = 64 << 20;

    /// <summary>So long a guest is kept waiting for the log of its console at most, where it has left and where it is to go on.</summary>
    public TimeSpan ConsoleLimit { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The socket of one way of an instance, as hypervisor and emulators see it; the same on each host.</summary>
    public string SocketOf(Guid instance, string way) => Path.Combine(Directory, $"{instance}.{way}");

    /// <summary>A path of the hypervisor as the agent sees it.</summary>
    public string Seen(string path) => Root + path;
}
