using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Shared.Tests.State;

public enum Coat
{
    Red,
    DarkBlue,
    Green,
}

public sealed record FoalDesired
{
    public required Guid Uuid { get; init; }

    public required Coat Coat { get; init; }

    [References("stable")]
    public string? Stable { get; init; }
}

public sealed record FoalCurrent
{
    public required Guid Uuid { get; init; }

    public required Coat Coat { get; init; }

    public int Age { get; init; }
}

public sealed record StableDesired
{
    public required string Name { get; init; }
}

public sealed record StallDesired
{
    public required Guid Uuid { get; init; }

    [References("stable")]
    public required string Stable { get; init; }

    [References("foal")]
    public Guid? Foal { get; init; }
}

/// <summary>Knows the stable only: a stall that is there and that nobody ordered leads to no foal.</summary>
public sealed record StallCurrent
{
    public required Guid Uuid { get; init; }

    [References("stable")]
    public required string Stable { get; init; }
}

/// <summary>
/// A small catalog of its own, so that the tests of the store do not change with the platform's entities: a foal with
/// both parts, a stable with an order only, and a stall that relates the two.
/// </summary>
public static class MadeUp
{
    public static EntityCatalog Catalog { get; } = new([FoalEntity(), StableEntity(), StallEntity()]);

    public static Entity Foal => Catalog["foal"];

    public static Entity Stable => Catalog["stable"];

    public static Entity Stall => Catalog["stall"];

    public static RowChange Order(Guid uuid, Coat coat, string? stable = null) =>
        RowChange.Set(Foal, RowPart.Desired, new FoalDesired { Uuid = uuid, Coat = coat, Stable = stable });

    public static RowChange Report(Guid uuid, Coat coat, int age = 0) =>
        RowChange.Set(Foal, RowPart.Current, new FoalCurrent { Uuid = uuid, Coat = coat, Age = age });

    public static RowChange Forget(Guid uuid, RowPart part) => RowChange.Remove(Foal, part, RowKey.Of(uuid));

    private static Entity FoalEntity() => EntityBuilder
        .Named("foal", "A young pony.")
        .KeyedByNewUuid()
        .Stored<FoalDesired>()
        .Derived<FoalCurrent>()
        .Index("coat", "stable", "age")
        .Build();

    private static Entity StableEntity() => EntityBuilder
        .Named("stable", "Where ponies sleep.")
        .KeyedBy("name")
        .Stored<StableDesired>()
        .Build();

    private static Entity StallEntity() => EntityBuilder
        .Named("stall", "A foal's place in a stable.")
        .KeyedByNewUuid()
        .Stored<StallDesired>()
        .Derived<StallCurrent>()
        .Index("stable", "foal")
        .Build();
}
