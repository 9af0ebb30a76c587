using System.Xml.Linq;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Domains over one open connection. Its calls block: only <see cref="NativeCalls"/> makes them, one at a time.</summary>
internal sealed unsafe partial class LibvirtConnection : IDisposable
{
    private readonly LibvirtSession _session;
    private readonly End _end;

    private LibvirtConnection(LibvirtSession session, End end)
    {
        _session = session;
        _end = end;
    }

    /// <summary>Whether it broke.</summary>
    internal bool HasEnded => _end.HasCome;

    private ConnectHandle Handle => _session.Handle;

    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal static LibvirtConnection Open(LibvirtOptions options)
    {
        var end = new End();
        return new LibvirtConnection(LibvirtSession.Open(options, end), end);
    }

    internal List<ObservedDomain> Scan(KnownDomains known) => LibvirtScan.Read(Handle, known);

    internal void Define(Guid uuid, string xml)
    {
        using var domain = LibvirtError.ThrowIfInvalid(
            LibvirtNative.virDomainDefineXMLFlags(Handle, xml, 0), $"define domain {uuid}");
    }

    internal void Start(Guid uuid, bool paused) => With(uuid, "start", domain =>
        LibvirtNative.virDomainCreateWithFlags(domain, paused ? LibvirtNative.StartPaused : 0));

    internal void Suspend(Guid uuid) => With(uuid, "suspend", LibvirtNative.virDomainSuspend);

    internal void Resume(Guid uuid) => With(uuid, "resume", LibvirtNative.virDomainResume);

    internal void Shutdown(Guid uuid) => With(uuid, "shut down", domain =>
    {
        var result = LibvirtNative.virDomainShutdownFlags(domain, LibvirtNative.ShutdownAcpiPowerButton);
        // Drivers without ACPI have one way only.
        return result < 0 && LibvirtError.LastCode() == LibvirtNative.ErrorInvalidArgument
            ? LibvirtNative.virDomainShutdownFlags(domain, 0)
            : result;
    });

    internal void Destroy(Guid uuid) => With(uuid, "cut the power of", LibvirtNative.virDomainDestroy);

    internal void Undefine(Guid uuid) => With(uuid, "undefine", domain =>
    {
        var result = -1;
        // Drivers and older libvirts refuse flags for what they do not have.
        foreach (var flags in (ReadOnlySpan<uint>)[
            LibvirtNative.UndefineManagedSave | LibvirtNative.UndefineSnapshotsMetadata | LibvirtNative.UndefineNvram
                | LibvirtNative.UndefineCheckpointsMetadata | LibvirtNative.UndefineTpm,
            LibvirtNative.UndefineManagedSave | LibvirtNative.UndefineSnapshotsMetadata | LibvirtNative.UndefineNvram,
            LibvirtNative.UndefineManagedSave | LibvirtNative.UndefineSnapshotsMetadata])
        {
            result = LibvirtNative.virDomainUndefineFlags(domain, flags);
            if (result >= 0 || LibvirtError.LastCode() != LibvirtNative.ErrorInvalidArgument)
                break;
        }
        return result;
    });

    internal void Attach(Guid uuid, string xml) => With(uuid, "plug a device into", domain =>
        LibvirtNative.virDomainAttachDeviceFlags(domain, xml, LibvirtNative.AffectLive));

    internal void Detach(Guid uuid, string alias)
    {
        using var domain = Lookup(uuid, "unplug a device from");
        if (LibvirtNative.virDomainDetachDeviceAlias(domain, alias, LibvirtNative.AffectLive) >= 0)
            return;
        var error = LibvirtError.Last($"unplug {alias} from domain {uuid}");
        // For a device that is not there libvirt has no error of its own.
        throw error.Code == LibvirtNative.ErrorInternal && !HasDevice(domain, alias)
            ? new HypervisorException(HypervisorFailure.NoSuchDevice, error.Code, error.Message, error)
            : error;
    }

    internal void Update(Guid uuid, string xml) => With(uuid, "change a device of", domain =>
        LibvirtNative.virDomainUpdateDeviceFlags(domain, xml, LibvirtNative.AffectLive | LibvirtNative.ModifyForce));

    /// <param name="verb">To follow "cannot", and to be followed by the domain.</param>
    internal void Change(Guid uuid, string verb, Action<DomainHandle> change)
    {
        using var domain = Lookup(uuid, verb);
        change(domain);
    }

    /// <param name="verb">To follow "cannot", and to be followed by the domain.</param>
    internal T Ask<T>(Guid uuid, string verb, Func<DomainHandle, T> ask)
    {
        using var domain = Lookup(uuid, verb);
        return ask(domain);
    }

    internal IReadOnlyList<DomainStatistics> ReadStatistics() => LibvirtStatistics.Read(Handle);

    internal string GetXml(Guid uuid)
    {
        using var domain = Lookup(uuid, "read");
        var text = LibvirtNative.virDomainGetXMLDesc(domain, LibvirtNative.XmlInactive);
        return LibvirtSession.TakeText(text) ?? throw LibvirtError.Last($"read domain {uuid}");
    }

    public void Dispose() => _session.Dispose();

    /// <param name="verb">To follow "cannot", and to be followed by the domain.</param>
    /// <param name="call">Negative when it failed, as libvirt's calls are.</param>
    internal void With(Guid uuid, string verb, Func<DomainHandle, int> call)
    {
        using var domain = Lookup(uuid, verb);
        LibvirtError.ThrowIfNegative(call(domain), $"{verb} domain {uuid}");
    }

    private DomainHandle Lookup(Guid uuid, string verb)
    {
        fixed (byte* text = System.Text.Encoding.ASCII.GetBytes($"{uuid}\0"))
            return LibvirtError.ThrowIfInvalid(LibvirtNative.virDomainLookupByUUIDString(Handle, text), $"{verb} domain {uuid}");
    }

    private static bool HasDevice(DomainHandle domain, string alias) =>
        LibvirtSession.TakeText(LibvirtNative.virDomainGetXMLDesc(domain, 0)) is { } xml
        && XElement.Parse(xml).Element("devices")!.Elements().Any(device => device.Element("alias")?.Attribute("name")?.Value == alias);

    private sealed class End : ILibvirtListener
    {
        private volatile bool _hasCome;

        public bool HasCome => _hasCome;

        public void OnClosed(int reason) => _hasCome = true;

        public void OnHappened(Guid subject, string what)
        {
        }
    }
}
