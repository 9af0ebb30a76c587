using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record RevocationDesired
{
    [Description("Of the token, or of the login that it comes from.")]
    public required Guid Uuid { get; init; }

    [Description("When the token ends by itself; the row is of no use afterwards.")]
    public required DateTimeOffset Expires { get; init; }
}

public sealed class RevocationDeclaration : IEntityDeclaration
{
    // An entity, although no client sees it, so that every controller has it in memory and asks no database for a request.
    public Entity Declare() => EntityBuilder
        .Named("revocation", "A token that was ended before its time.")
        .KeyedBy("uuid")
        .Stored<RevocationDesired>()
        .WrittenByPlatform()
        .Build();
}
