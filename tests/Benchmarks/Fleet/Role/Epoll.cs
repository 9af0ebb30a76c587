using System.ComponentModel;
using System.Runtime.InteropServices;

namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>Waits for any of thousands of descriptors (epoll(7)); polling them all each time would cost more than their messages.</summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int Add = 1;
    private const uint Readable = 1;
    private const int Batch = 256;
    private const int Interrupted = 4;

    // struct epoll_event is packed on x86-64 only.
    private static readonly bool Packed = RuntimeInformation.ProcessArchitecture == Architecture.X64;
    private static readonly int EventSize = Packed ? 12 : 16;
    private static readonly int DataOffset = Packed ? 4 : 8;

    private readonly int _file;
    private readonly byte[] _events = new byte[Batch * 16];

    public Epoll()
    {
        _file = epoll_create1(CloseOnExec);
        if (_file < 0)
            throw new Win32Exception();
    }

    /// <summary>Has <see cref="Wait"/> answer <paramref name="index"/> while the descriptor is readable.</summary>
    public void Watch(int file, int index)
    {
        Span<byte> item = stackalloc byte[16];
        item.Clear();
        MemoryMarshal.Write(item, Readable);
        MemoryMarshal.Write(item[DataOffset..], (long)index);
        fixed (byte* data = item)
        {
            if (epoll_ctl(_file, Add, file, data) != 0)
                throw new Win32Exception();
        }
    }

    /// <summary>The indexes of readable descriptors, at most so many as one call gives; none when the time is over first.</summary>
    public int Wait(Span<int> indexes, int milliseconds)
    {
        int count;
        fixed (byte* data = _events)
        {
            count = epoll_wait(_file, data, Math.Min(Batch, indexes.Length), milliseconds);
        }
        if (count < 0)
            return Marshal.GetLastPInvokeError() == Interrupted ? 0 : throw new Win32Exception();
        for (var i = 0; i < count; i++)
            indexes[i] = (int)MemoryMarshal.Read<long>(_events.AsSpan(i * EventSize + DataOffset));
        return count;
    }

    public void Dispose() => _ = close(_file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int file, byte* item);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, byte* events, int count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int file);
}
