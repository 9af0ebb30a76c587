using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>A libzmq context: sockets that share one I/O thread. May be used by any thread.</summary>
internal sealed class SocketContext
{
    /// <param name="maxSockets">How many sockets it can have at a time; libzmq's own default unless given.</param>
    /// <exception cref="ZeroMqException">libzmq cannot make it, or not with so many sockets.</exception>
    public SocketContext(int? maxSockets = null)
    {
        Handle = Native.zmq_ctx_new();
        if (Handle == 0)
            throw new ZeroMqException("making a ZeroMQ context", Marshal.GetLastPInvokeError());
        if (maxSockets is { } most && Native.zmq_ctx_set(Handle, Native.ContextMaxSockets, most) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            End();
            throw new ZeroMqException($"making a ZeroMQ context for {maxSockets} sockets", error);
        }
    }

    public nint Handle { get; }

    /// <summary>Ends it; waits until all of its sockets are closed.</summary>
    public void End()
    {
        while (Native.zmq_ctx_term(Handle) != 0 && Marshal.GetLastPInvokeError() == Native.Interrupted)
        {
            // Only a signal interrupts it.
        }
    }
}
