using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Makes exceptions of libvirt's errors, which are kept per thread: ask on the thread that made the call.</summary>
internal static unsafe class LibvirtError
{
    /// <param name="what">What was tried, to follow "cannot".</param>
    internal static HypervisorException Last(string what)
    {
        var error = LibvirtNative.virGetLastError();
        if (error == null || error->Code == 0)
            return new HypervisorException(HypervisorFailure.Failed, 0, $"Cannot {what}: libvirt gives no reason.");
        var (code, domain) = (error->Code, error->Domain);
        var message = Marshal.PtrToStringUTF8(error->Message) ?? $"libvirt error {code}";
        LibvirtNative.virResetLastError();
        return new HypervisorException(FailureOf(code, domain), code, $"Cannot {what}: {message}");
    }

    internal static int LastCode()
    {
        var error = LibvirtNative.virGetLastError();
        return error == null ? 0 : error->Code;
    }

    internal static void ThrowIfNegative(int result, string what)
    {
        if (result < 0)
            throw Last(what);
    }

    internal static T ThrowIfInvalid<T>(T handle, string what)
        where T : SafeHandle
    {
        if (!handle.IsInvalid)
            return handle;
        var error = Last(what);
        handle.Dispose();
        throw error;
    }

    private static HypervisorFailure FailureOf(int code, int domain)
    {
        // VIR_FROM_RPC of virErrorDomain: raised on this side of the connection, so the daemon did not answer.
        const int fromRpc = 7;
        return code switch
        {
            LibvirtNative.ErrorNoDomain => HypervisorFailure.NoSuchDomain,
            LibvirtNative.ErrorDeviceMissing => HypervisorFailure.NoSuchDevice,
            LibvirtNative.ErrorOperationInvalid => HypervisorFailure.WrongState,
            LibvirtNative.ErrorInvalidConnection => HypervisorFailure.Disconnected,
            _ when domain == fromRpc => HypervisorFailure.Disconnected,
            _ => HypervisorFailure.Failed,
        };
    }
}
