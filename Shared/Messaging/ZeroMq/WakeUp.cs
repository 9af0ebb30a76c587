using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// An eventfd that any thread sets and the socket's thread polls together with its socket. A safe handle, so that a
/// late <see cref="Set"/> never writes into a file that took over the number of a closed one.
/// </summary>
internal sealed unsafe class WakeUp : SafeHandleZeroOrMinusOneIsInvalid
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;

    private WakeUp(int file)
        : base(ownsHandle: true) => SetHandle(file);

    /// <summary>The descriptor, for the thread that polls it and closes it.</summary>
    public int File => (int)handle;

    /// <exception cref="ZeroMqException">The kernel gives no event descriptor.</exception>
    public static WakeUp Open()
    {
        var file = Native.OpenEvent(0, CloseOnExec | NonBlocking);
        return file >= 0 ? new WakeUp(file) : throw new ZeroMqException("eventfd", Marshal.GetLastPInvokeError());
    }

    /// <summary>Makes the next poll return at once. Does nothing once the descriptor is closed: nobody sleeps on it then.</summary>
    public void Set()
    {
        if (IsClosed)
            return;
        ulong one = 1;
        try
        {
            // The only failure is a counter at its limit, and then the thread is woken anyway.
            _ = Native.Write(this, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException) when (IsClosed)
        {
            // Closed since the check above: the thread has ended, so there is nobody to wake.
        }
    }

    public void Clear()
    {
        ulong count;
        _ = Native.Read(this, &count, sizeof(ulong));
    }

    protected override bool ReleaseHandle() => Native.Close((int)handle) == 0;
}
