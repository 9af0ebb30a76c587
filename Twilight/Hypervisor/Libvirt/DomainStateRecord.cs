namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>A domain and its state, in libvirt's numbers.</summary>
/// <param name="Domain">To be disposed by whoever has the record.</param>
internal sealed record DomainStateRecord(DomainHandle Domain, Guid Uuid, int State, int Reason);
