using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public enum EventSeverity
{
    Info,
    Warning,
    Error,
}

public sealed record EventDesired
{
    [Description("SHA-256, in hexadecimal, of what makes two occurrences the same.")]
    public required string Hash { get; init; }

    [Description("When it happened first.")]
    public required DateTimeOffset Ctime { get; init; }

    [Description("When it happened last.")]
    public required DateTimeOffset Mtime { get; init; }

    [Description("How often it happened.")]
    public required long Count { get; init; }

    [Description("What happened, such as instance-crashed.")]
    public required string Type { get; init; }

    public required EventSeverity Severity { get; init; }

    [Description("The host that it happened on. The host's row may be gone by now.")]
    public Guid? Host { get; init; }

    [Description("The instance that it happened to. The instance's row may be gone by now.")]
    public Guid? Instance { get; init; }

    [Description("More about the last occurrence.")]
    public JsonText? Data { get; init; }
}

public sealed class EventDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("event", "Something that happened; the same thing again raises the count.")
        .KeyedBy("hash")
        .Stored<EventDesired>()
        .WrittenByPlatform()
        .Index("host", "instance", "type")
        .Mount("/event", Access.Protected)
        .Mount("/host/event", Access.Protected)
        .Mount("/tenant/instance/event", Access.TenantUser, hidden: ["host", "data"])
        .Build();
}
