using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The part of libvirt's C API (libvirt.org/html) that is used. Nothing outside this folder calls it.</summary>
internal static unsafe partial class LibvirtNative
{
    private const string Library = "libvirt.so.0";

    // virErrorNumber
    internal const int ErrorInternal = 1;
    internal const int ErrorNoSupport = 3;
    internal const int ErrorInvalidConnection = 6;
    internal const int ErrorInvalidArgument = 8;
    internal const int ErrorNoDomain = 42;
    internal const int ErrorOperationInvalid = 55;
    internal const int ErrorNoDomainMetadata = 80;
    internal const int ErrorDeviceMissing = 99;

    // virDomainState
    internal const int StateRunning = 1;
    internal const int StateBlocked = 2;
    internal const int StatePaused = 3;
    internal const int StateShutdown = 4;
    internal const int StateShutoff = 5;
    internal const int StateCrashed = 6;
    internal const int StatePmSuspended = 7;

    // Flags and identifiers
    internal const uint StartPaused = 1;
    internal const uint ShutdownAcpiPowerButton = 1;
    internal const uint XmlInactive = 2;
    internal const uint XmlMigratable = 8;
    internal const int JobNone = 0;
    internal const int JobUnbounded = 2;
    internal const int TypedString = 7;
    internal const int TypedFieldSize = 80;

    internal const uint MigrateLive = 1;
    internal const uint MigratePeerToPeer = 2;
    internal const uint MigratePersistDestination = 8;
    internal const uint MigratePaused = 32;
    internal const uint MigrateNonSharedDisk = 64;
    internal const uint MigrateChangeProtection = 256;
    internal const uint MigrateAbortOnError = 4096;
    internal const uint MigrateAutoConverge = 8192;
    internal const int MetadataElement = 2;
    internal const int EventLifecycle = 0;
    internal const int EventDeviceRemoved = 15;
    internal const int EventAgentLifecycle = 18;
    internal const int EventDeviceAdded = 19;
    internal const int EventDeviceRemovalFailed = 22;
    internal const uint AffectLive = 1;
    internal const uint ModifyForce = 4;
    internal const int UuidTextSize = 37;

    internal const uint UndefineManagedSave = 1;
    internal const uint UndefineSnapshotsMetadata = 2;
    internal const uint UndefineNvram = 4;
    internal const uint UndefineCheckpointsMetadata = 16;
    internal const uint UndefineTpm = 32;

    [LibraryImport(Library)]
    internal static partial int virInitialize();

    [LibraryImport(Library)]
    internal static partial VirError* virGetLastError();

    [LibraryImport(Library)]
    internal static partial void virResetLastError();

    [LibraryImport(Library)]
    internal static partial void virSetErrorFunc(nint userData, delegate* unmanaged[Cdecl]<nint, VirError*, void> handler);

    [LibraryImport(Library)]
    internal static partial int virEventRegisterDefaultImpl();

    [LibraryImport(Library)]
    internal static partial int virEventRunDefaultImpl();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial ConnectHandle virConnectOpen(string uri);

    [LibraryImport(Library)]
    internal static partial int virConnectClose(nint connection);

    [LibraryImport(Library)]
    internal static partial int virConnectSetKeepAlive(ConnectHandle connection, int intervalSeconds, uint count);

    [LibraryImport(Library)]
    internal static partial int virConnectRegisterCloseCallback(
        ConnectHandle connection, delegate* unmanaged[Cdecl]<nint, int, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library)]
    internal static partial int virConnectUnregisterCloseCallback(
        ConnectHandle connection, delegate* unmanaged[Cdecl]<nint, int, nint, void> callback);

    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, int, int, nint, void> callback, nint opaque, nint free);

    /// <summary>The same, for events that concern a device.</summary>
    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventRegisterAny(
        ConnectHandle connection, nint domain, int eventId,
        delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void> callback, nint opaque, nint free);

    [LibraryImport(Library)]
    internal static partial int virConnectDomainEventDeregisterAny(ConnectHandle connection, int callbackId);

    /// <summary>A static text; not to be freed.</summary>
    [LibraryImport(Library)]
    internal static partial nint virConnectGetType(ConnectHandle connection);

    [LibraryImport(Library)]
    internal static partial int virConnectGetVersion(ConnectHandle connection, out nuint version);

    [LibraryImport(Library)]
    internal static partial DomainHandle virDomainLookupByUUIDString(ConnectHandle connection, byte* uuid);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial DomainHandle virDomainDefineXMLFlags(ConnectHandle connection, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainCreateWithFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainSuspend(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainResume(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainShutdownFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainDestroy(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainUndefineFlags(DomainHandle domain, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainAttachDeviceFlags(DomainHandle domain, string xml, uint flags);

    /// <summary>Only asks the guest, and does not wait for it.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainDetachDeviceAlias(DomainHandle domain, string alias, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainUpdateDeviceFlags(DomainHandle domain, string xml, uint flags);

    [LibraryImport(Library)]
    internal static partial nint virDomainGetXMLDesc(DomainHandle domain, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint virDomainGetMetadata(DomainHandle domain, int type, string? uri, uint flags);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int virDomainMigrateToURI3(
        DomainHandle domain, string destination, VirTypedParameter* parameters, uint count, uint flags);

    [LibraryImport(Library)]
    internal static partial int virDomainAbortJob(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetJobInfo(DomainHandle domain, out VirDomainJobInfo info);

    /// <summary>Owned by the domain handle; not to be freed.</summary>
    [LibraryImport(Library)]
    internal static partial nint virDomainGetName(DomainHandle domain);

    /// <summary>Another for each start, as it was when the handle was made; <c>uint.MaxValue</c> while the domain is off.</summary>
    [LibraryImport(Library)]
    internal static partial uint virDomainGetID(DomainHandle domain);

    [LibraryImport(Library)]
    internal static partial int virDomainGetUUIDString(nint domain, byte* text);

    [LibraryImport(Library)]
    internal static partial int virDomainGetInfo(DomainHandle domain, out VirDomainInfo info);

    [LibraryImport(Library)]
    internal static partial int virDomainFree(nint domain);

    [LibraryImport("libc", EntryPoint = "free")]
    internal static partial void Free(nint pointer);

    /// <summary><c>virError</c>; what follows <see cref="Message"/> is not read.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirError
    {
        internal int Code;
        internal int Domain;
        internal nint Message;
        internal int Level;
    }

    /// <summary><c>virDomainInfo</c>: memory in KiB, processor time in ns.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirDomainInfo
    {
        internal byte State;
        internal nuint MaxMemory;
        internal nuint Memory;
        internal ushort VirtualCpus;
        internal ulong CpuTime;
    }

    /// <summary><c>virTypedParameter</c> with a text.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirTypedParameter
    {
        internal fixed byte Field[TypedFieldSize];
        internal int Type;
        internal nint Value;
    }

    /// <summary><c>virDomainJobInfo</c>: milliseconds and bytes; of memory and disks together where it does not say of which.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct VirDomainJobInfo
    {
        internal int Type;
        internal ulong TimeElapsed;
        internal ulong TimeRemaining;
        internal ulong DataTotal;
        internal ulong DataProcessed;
        internal ulong DataRemaining;
        internal ulong MemoryTotal;
        internal ulong MemoryProcessed;
        internal ulong MemoryRemaining;
        internal ulong FileTotal;
        internal ulong FileProcessed;
        internal ulong FileRemaining;
    }

    /// <summary>Takes the error away from libvirt's print to stderr: every one is thrown as an exception instead.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void IgnoreError(nint userData, VirError* error)
    {
    }
}

/// <summary>A reference to a libvirt connection, given back when the last call that uses it has ended.</summary>
internal sealed class ConnectHandle() : SafeHandle(0, ownsHandle: true)
{
    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibvirtNative.virConnectClose(handle) >= 0;
}

/// <summary>A reference to a libvirt domain object, given back when the last call that uses it has ended.</summary>
internal sealed class DomainHandle() : SafeHandle(0, ownsHandle: true)
{
    public DomainHandle(nint domain)
        : this() => SetHandle(domain);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => LibvirtNative.virDomainFree(handle) == 0;
}
