using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace PonyCloud.Shared.Entities;

public sealed record CpuProfileDesired
{
    public required Guid Uuid { get; init; }

    [StringLength(64, MinimumLength = 1)]
    public required string Name { get; init; }

    [Description("A CPU model that libvirt knows, such as Skylake-Server or qemu64.")]
    [RegularExpression("^[A-Za-z0-9_.-]{1,64}$")]
    public required string Model { get; init; }

    [Description("Features that the model lacks and the guest gets, as libvirt names them.")]
    [RegularExpression("^[a-z0-9_.-]{1,64}$")]
    public TextList Features { get; init; } = TextList.Empty;
}

public sealed class CpuProfileDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("cpu_profile", "A processor as guests see it.")
        .KeyedByNewUuid()
        .Stored<CpuProfileDesired>()
        .SentToHost(new HostScope.ReferencedBy("instance", "cpu_profile"))
        .Mount("/cpu-profile", Access.Shared)
        .Build();
}
