namespace PonyCloud.Twilight.Migrations;

/// <summary>What is behind the door of a host, below <c>/migration/INSTANCE/</c>. Each is a stream of bytes.</summary>
internal static class DoorWays
{
    /// <summary>The name of the route.</summary>
    public const string Route = "migration";

    /// <summary>What the destination would make of the instance, as XML; it ends with it.</summary>
    public const string Definition = "definition";

    /// <summary>The hypervisor.</summary>
    public const string Hypervisor = "hypervisor";

    /// <summary>Where the log of the console is taken (<see cref="MigrationConsoles"/>).</summary>
    public const string Console = "console";

    /// <summary>Where the emulator takes memory and the state of devices.</summary>
    public const string Memory = "memory";

    /// <summary>Where the emulator takes the content of disks.</summary>
    public const string Disks = "disks";

    /// <summary>At a source that the instance has left: one of its volumes, by NBD. Stands before the volume.</summary>
    public const string Content = "content";

    public static string ContentOf(Guid volume) => $"{Content}/{volume}";
}
