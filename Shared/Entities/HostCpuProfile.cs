using System.ComponentModel;

namespace PonyCloud.Shared.Entities;

public sealed record HostCpuProfileCurrent
{
    [References("host")]
    public required Guid Host { get; init; }

    [References("cpu_profile")]
    public required Guid CpuProfile { get; init; }

    [Description("Whether guests with this processor can run on the host.")]
    public required bool Usable { get; init; }

    [Description("The features that the host lacks.")]
    public TextList Missing { get; init; } = TextList.Empty;
}

public sealed class HostCpuProfileDeclaration : IEntityDeclaration
{
    public Entity Declare() => EntityBuilder
        .Named("host_cpu_profile", "A CPU profile on a host: whether the host can give it.")
        .KeyedBy("host", "cpu_profile")
        .Reported<HostCpuProfileCurrent>(by: "host")
        .Index("host", "cpu_profile")
        .Mount("/host/cpu-profile", Access.Protected)
        .Build();
}
