namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>What is known of domains without asking, as far as libvirt tells of its changes. Their states are not: those are asked for at each look.</summary>
internal sealed class KnownDomains(TimeProvider time)
{
    /// <summary>Of a link that was set libvirt tells nobody.</summary>
    internal static readonly TimeSpan DevicesKnownFor = TimeSpan.FromMinutes(5);

    /// <summary>Nor of processors that somebody else set, nor of metadata; short beside the interval at which everything is looked at anyway.</summary>
    internal static readonly TimeSpan SizeKnownFor = TimeSpan.FromSeconds(10);

    internal DomainCache<ObservedDevices> Devices { get; } = new(time, DevicesKnownFor);

    internal DomainCache<ObservedSize> Sizes { get; } = new(time, SizeKnownFor);

    /// <summary>Something happened to the domain.</summary>
    internal void Forget(Guid domain)
    {
        Devices.Forget(domain);
        Sizes.Forget(domain);
    }

    internal void ForgetAll()
    {
        Devices.ForgetAll();
        Sizes.ForgetAll();
    }
}
