using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record UserDesired
{
    [RegularExpression(@"^[^@\s/]{1,64}@[^@\s/]{1,255}$")]
    [StringLength(254)]
    public required string Email { get; init; }

    [Description("How the user proves who they are. Written as {\"password\": \"…\"}, kept as a salted hash, never read back.")]
    [Secret]
    [Password]
    public JsonText? Data { get; init; }

    [Description("An operator of the platform, with unrestricted access.")]
    [OperatorOnly]
    public bool Alicorn { get; init; }

    [Description("Tokens that were made before this moment are void. A moment that has passed never goes back.")]
    public DateTimeOffset? TokensValidFrom { get; init; }
}

public sealed class UserDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("user", "Somebody who can log in.")
        .KeyedBy("email")
        .Stored<UserDesired>()
        .Mount("/user", Access.UserReadWrite)
        .Build();
}
