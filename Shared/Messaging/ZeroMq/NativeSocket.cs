using System.Runtime.InteropServices;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>A socket of libzmq, with errors as exceptions or as the few that are expected. Not thread-safe.</summary>
internal sealed unsafe class NativeSocket
{
    private readonly nint _handle;

    /// <exception cref="ZeroMqException">The context gives no further socket.</exception>
    public NativeSocket(nint context, int type)
    {
        _handle = Native.zmq_socket(context, type);
        if (_handle == 0)
            throw new ZeroMqException("making a ZeroMQ socket", Marshal.GetLastPInvokeError());
    }

    public nint Handle => _handle;

    public void Bind(string endpoint)
    {
        if (Native.zmq_bind(_handle, endpoint) != 0)
            throw new ZeroMqException($"binding to {endpoint}", Marshal.GetLastPInvokeError());
    }

    public void Connect(string endpoint)
    {
        if (Native.zmq_connect(_handle, endpoint) != 0)
            throw new ZeroMqException($"connecting to {endpoint}", Marshal.GetLastPInvokeError());
    }

    /// <summary>Sends one frame without waiting; 0, or the errno.</summary>
    public int Send(ReadOnlySpan<byte> frame, bool more)
    {
        fixed (byte* data = frame)
        {
            while (Native.zmq_send(_handle, data, (nuint)frame.Length, Native.DontWait | (more ? Native.SendMore : 0)) < 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error != Native.Interrupted)
                    return error;
            }
        }
        return 0;
    }

    /// <summary>Reads one frame without waiting; its length, or minus EAGAIN or ETERM.</summary>
    /// <exception cref="ZeroMqException">Any other error.</exception>
    public int Receive(Native.Message* message)
    {
        while (true)
        {
            var length = Native.zmq_msg_recv(message, _handle, Native.DontWait);
            if (length >= 0)
                return length;
            var error = Marshal.GetLastPInvokeError();
            if (error is Native.TryAgain or Native.Terminated)
                return -error;
            if (error != Native.Interrupted)
                throw new ZeroMqException("receiving", error);
        }
    }

    public void Set(int option, int value, string name) => Set(option, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)), name);

    public void Set(int option, long value, string name) => Set(option, MemoryMarshal.AsBytes(new ReadOnlySpan<long>(in value)), name);

    public void Set(int option, ReadOnlySpan<byte> value, string name)
    {
        fixed (byte* data = value)
        {
            if (Native.zmq_setsockopt(_handle, option, data, (nuint)value.Length) != 0)
                throw new ZeroMqException($"setting the {name} of a socket", Marshal.GetLastPInvokeError());
        }
    }

    public void Close() => _ = Native.zmq_close(_handle);
}
