using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record ConfigDesired
{
    [RegularExpression("^[a-z][a-z0-9_.-]{0,63}$")]
    public required string Key { get; init; }

    [Description("Any JSON value.")]
    public required JsonText Value { get; init; }
}

public sealed class ConfigDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("config", "A setting of the whole platform, such as an overcommit ratio.")
        .KeyedBy("key")
        .Stored<ConfigDesired>()
        .Mount("/config", Access.Protected)
        .Build();
}
