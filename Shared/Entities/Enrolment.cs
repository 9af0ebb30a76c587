using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record EnrolmentDesired
{
    [Description("SHA-256 of the token in lower-case hexadecimal. The token has 256 random bits, so nothing follows from its hash.")]
    [RegularExpression("^[0-9a-f]{64}$")]
    public required string Hash { get; init; }

    [Description("The name of the host that it makes; the host's uuid unless set.")]
    [StringLength(253)]
    public string? Name { get; init; }

    [Description("The only machine that may use it; any unless set.")]
    public Guid? Host { get; init; }

    [Description("When it ends.")]
    public required DateTimeOffset Expires { get; init; }
}

public sealed class EnrolmentDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("enrolment", "A token that makes one machine a host, once.")
        .KeyedBy("hash")
        .Stored<EnrolmentDesired>()
        .Mount("/enrolment", Access.Protected)
        .Build();
}
