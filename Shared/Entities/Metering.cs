using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

/// <remarks>
/// The database itself writes these rows, in the transaction that changes what they measure. So they follow every change
/// whoever makes it, and one interval begins where the one before it ended.
/// </remarks>
public sealed record MeteringDesired
{
    public required Guid Uuid { get; init; }

    [Description("Whose order it was. The tenant's row may be gone by now.")]
    public required Guid Tenant { get; init; }

    [Description("What was measured, as in quotas.")]
    public required ResourceType Type { get; init; }

    [Description("What it was measured of, in words that still tell something when the row is gone.")]
    public required JsonText Kind { get; init; }

    [Description("How much there was all the time: MiB for storage and mem, else a number.")]
    public required long Amount { get; init; }

    [Description("The instance, volume, address or switch. Its row may be gone by now.")]
    public required Guid Target { get; init; }

    public required DateTimeOffset Start { get; init; }

    [Description("Absent while it goes on.")]
    public DateTimeOffset? End { get; init; }
}

public sealed class MeteringDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("metering", "A time during which a tenant had so much of something on order.")
        .KeyedByNewUuid()
        .Stored<MeteringDesired>()
        .WrittenByPlatform()
        .Index("tenant", "target")
        .Mount("/metering", Access.Protected)
        .Mount("/tenant/metering", Access.TenantReadOnly)
        .Build();
}
