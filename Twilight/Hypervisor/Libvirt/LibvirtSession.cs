using System.Runtime.InteropServices;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>The connection itself, with keepalive and the callback that tells of its end. What is asked over it, its owner knows.</summary>
internal sealed unsafe class LibvirtSession : IDisposable
{
    private readonly bool _tellsOfItsEnd;

    private LibvirtSession(ConnectHandle handle, LibvirtOptions options, ILibvirtListener listener)
    {
        Handle = handle;
        Token = LibvirtEventLoop.Add(listener);
        try
        {
            // Drivers that live in this very process, such as test:///default, know neither: they cannot go away.
            IgnoreUnsupported(LibvirtNative.virConnectSetKeepAlive(handle, options.KeepAliveSeconds, (uint)options.KeepAliveCount),
                "turn on keepalive");
            _tellsOfItsEnd = IgnoreUnsupported(
                LibvirtNative.virConnectRegisterCloseCallback(handle, &LibvirtEventLoop.OnClosed, Token, 0), "watch the connection");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ConnectHandle Handle { get; }

    /// <summary>What callbacks of this connection are registered with.</summary>
    internal nint Token { get; }

    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal static LibvirtSession Open(LibvirtOptions options, ILibvirtListener listener)
    {
        LibvirtEventLoop.EnsureStarted();
        var what = $"connect to {options.Uri}";
        return new LibvirtSession(LibvirtError.ThrowIfInvalid(LibvirtNative.virConnectOpen(options.Uri), what), options, listener);
    }

    /// <summary>A text that libvirt allocated; null when it answered none.</summary>
    internal static string? TakeText(nint text)
    {
        if (text == 0)
            return null;
        var taken = Marshal.PtrToStringUTF8(text);
        LibvirtNative.Free(text);
        return taken;
    }

    public void Dispose()
    {
        LibvirtEventLoop.Remove(Token);
        // The registration holds the connection; on one that is broken already this only fails, and it goes all the same.
        if (_tellsOfItsEnd && !Handle.IsClosed)
            _ = LibvirtNative.virConnectUnregisterCloseCallback(Handle, &LibvirtEventLoop.OnClosed);
        Handle.Dispose();
    }

    /// <summary>Such as <c>QEMU 7.2.0</c>.</summary>
    /// <exception cref="HypervisorException">It does not answer or refuses.</exception>
    internal string ReadVersion()
    {
        var type = Marshal.PtrToStringUTF8(LibvirtNative.virConnectGetType(Handle)) ?? throw LibvirtError.Last("ask for the hypervisor");
        LibvirtError.ThrowIfNegative(LibvirtNative.virConnectGetVersion(Handle, out var version), "ask for the hypervisor's version");
        return $"{type} {version / 1_000_000}.{version / 1_000 % 1_000}.{version % 1_000}";
    }

    private static bool IgnoreUnsupported(int result, string what)
    {
        if (result < 0 && LibvirtError.LastCode() == LibvirtNative.ErrorNoSupport)
            return false;
        LibvirtError.ThrowIfNegative(result, what);
        return true;
    }
}
