namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What a domain has, and whose it is.</summary>
/// <param name="Memory">MiB.</param>
/// <param name="Metadata">The platform's own element; null when there is none.</param>
internal sealed record ObservedSize(int Vcpu, long Memory, string? Metadata);
