using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The part of libvirt's C API that restarts guests and marks domains, and the events of it.</summary>
internal static unsafe partial class LibvirtLifeNative
{
    private const string Library = "libvirt.so.0";

    internal const uint RebootAcpiPowerButton = 1;
    internal const uint AffectLive = 1;
    internal const uint AffectConfig = 2;

    internal const int EventReboot = 1;
    internal const int EventWatchdog = 3;
    internal const int EventIoErrorReason = 6;
    internal const int EventBalloonChange = 13;

    /// <summary>For events with one large number.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, ulong, nint, void> callback, nint opaque, nint free);

    /// <summary>For events with one number.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, int, nint, void> callback, nint opaque, nint free);

    /// <summary>For I/O errors: the source, the device's alias, what was done, and the reason.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, nint, nint, int, nint, nint, void> callback, nint opaque, nint free);

    /// <summary>For events without details.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library)]
    internal static partial int virDomainReset(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainReboot(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainIsActive(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainSetVcpusFlags(DomainHandle domain, uint count, uint flags);

    /// <param name="memory">KiB.</param>
    [LibraryImport(Library)]
    internal static partial int virDomainSetMemoryFlags(DomainHandle domain, nuint memory, uint flags);

    /// <param name="metadata">The element, without a declaration of its namespace: libvirt adds that.</param>
    /// <param name="key">The prefix of the namespace.</param>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainSetMetadata(DomainHandle domain, int type, string? metadata, string? key, string? uri, uint flags);
}
