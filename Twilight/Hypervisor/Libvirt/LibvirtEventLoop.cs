using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// The one thread that runs libvirt's event loop and all of its callbacks.
/// </summary>
/// <remarks>
/// Static, since libvirt has exactly one event loop and one error handler for a process and cannot let go of either.
/// Callbacks get a number and look their listener up by it, so that one which comes late finds nothing instead of
/// freed memory.
/// </remarks>
internal static unsafe class LibvirtEventLoop
{
    private static readonly Lazy<Thread> Thread = new(Start);
    private static readonly ConcurrentDictionary<nint, ILibvirtListener> Listeners = new();
    private static long _lastToken;

    /// <summary>Starts the loop on first use.</summary>
    /// <exception cref="HypervisorException">libvirt cannot be initialized.</exception>
    internal static void EnsureStarted() => _ = Thread.Value;

    /// <summary>A token to give to libvirt as the opaque pointer of a callback.</summary>
    internal static nint Add(ILibvirtListener listener)
    {
        var token = (nint)Interlocked.Increment(ref _lastToken);
        Listeners[token] = listener;
        return token;
    }

    internal static void Remove(nint token) => Listeners.TryRemove(token, out _);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnClosed(nint connection, int reason, nint token)
    {
        if (Listeners.TryGetValue(token, out var listener))
            listener.OnClosed(reason);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnLifecycle(nint connection, nint domain, int @event, int detail, nint token) =>
        TellOfDomain(domain, LibvirtStates.EventName(@event), token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnReboot(nint connection, nint domain, nint token) => TellOfDomain(domain, LibvirtStates.Restarted, token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnWatchdog(nint connection, nint domain, int action, nint token) =>
        TellOfDomain(domain, LibvirtStates.WatchdogName(action), token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnIoError(nint connection, nint domain, nint source, nint alias, int action, nint reason, nint token) =>
        TellOfDomain(domain, LibvirtStates.IoErrorName(Marshal.PtrToStringUTF8(reason)), token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnBalloon(nint connection, nint domain, ulong memory, nint token) =>
        TellOfDomain(domain, LibvirtStates.MemoryChanged, token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnAgent(nint connection, nint domain, int state, int reason, nint token) =>
        TellOfDomain(domain, LibvirtStates.AgentName(state), token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnDeviceAdded(nint connection, nint domain, nint alias, nint token) => TellOfDomain(domain, "device added", token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnDeviceRemoved(nint connection, nint domain, nint alias, nint token) =>
        TellOfDomain(domain, "device removed", token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnDeviceRemovalFailed(nint connection, nint domain, nint alias, nint token) =>
        TellOfDomain(domain, "device removal failed", token);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    internal static void OnPoolLifecycle(nint connection, nint pool, int @event, int detail, nint token)
    {
        if (!Listeners.TryGetValue(token, out var listener))
            return;
        var text = stackalloc byte[LibvirtNative.UuidTextSize];
        if (LibvirtStorageNative.virStoragePoolGetUUIDString(pool, text) == 0
            && Guid.TryParse(Marshal.PtrToStringUTF8((nint)text), out var uuid))
        {
            listener.OnHappened(uuid, LibvirtStates.PoolEventName(@event));
        }
    }

    private static void TellOfDomain(nint domain, string what, nint token)
    {
        if (!Listeners.TryGetValue(token, out var listener))
            return;
        var text = stackalloc byte[LibvirtNative.UuidTextSize];
        if (LibvirtNative.virDomainGetUUIDString(domain, text) == 0
            && Guid.TryParse(Marshal.PtrToStringUTF8((nint)text), out var uuid))
        {
            listener.OnHappened(uuid, what);
        }
    }

    private static Thread Start()
    {
        LibvirtNative.virSetErrorFunc(0, &LibvirtNative.IgnoreError);
        LibvirtError.ThrowIfNegative(LibvirtNative.virInitialize(), "initialize libvirt");
        LibvirtError.ThrowIfNegative(LibvirtNative.virEventRegisterDefaultImpl(), "start libvirt's event loop");
        // Sleeps in poll(2) until there is something; a background thread, so that it ends with the process.
        var thread = new Thread(Run) { IsBackground = true, Name = "libvirt events" };
        thread.Start();
        return thread;
    }

    private static void Run()
    {
        while (LibvirtNative.virEventRunDefaultImpl() >= 0)
        {
        }
        // Fails only when its own bookkeeping is broken. No connection could be watched any more, so nothing could be
        // decided rightly either.
        Environment.FailFast($"libvirt's event loop ended: {LibvirtError.Last("run the event loop").Message}");
    }
}

/// <summary>Whom libvirt's callbacks reach. Called on the event thread: must not block and must not throw.</summary>
internal interface ILibvirtListener
{
    void OnClosed(int reason);

    /// <param name="subject">The domain or pool.</param>
    void OnHappened(Guid subject, string what);
}
