using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.Twilight.Networks.Namespaces;

/// <summary>Sockets of the agent in namespaces of switches. A socket stays where it was made, whoever uses it then.</summary>
/// <param name="directory">Where namespaces have their names, as iproute2 gives them.</param>
public sealed partial class NamespaceSockets(string directory = NamespaceSockets.Names)
{
    public const string Names = "/run/netns";

    private const int CloneNewNet = 0x40000000;
    private const int Internet = 2; // AF_INET
    private const int StreamCloseOnExec = 0x80001; // SOCK_STREAM | SOCK_CLOEXEC
    private const int Backlog = 64;

    /// <summary>A socket that listens in the namespace of a switch. It keeps that from going, whatever its name: whoever has it closes it.</summary>
    /// <exception cref="IOException">There is no such namespace, or it cannot be entered.</exception>
    /// <exception cref="SocketException">The address is not there, or taken.</exception>
    public Socket Listen(Guid @switch, IPEndPoint address)
    {
        var socket = new Socket(Make(Path.Combine(directory, LinkNames.Namespace(@switch))));
        try
        {
            // Connections that a former agent had may still be ending.
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(address);
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <remarks>
    /// A thread of its own goes there and comes back. In between are two system calls and nothing of the runtime's, which begins its
    /// threads from any other: one that began there would stay.
    /// </remarks>
    private static SafeSocketHandle Make(string path)
    {
        using var target = File.OpenHandle(path);
        using var home = File.OpenHandle("/proc/thread-self/ns/net");
        var (descriptor, error) = (-1, 0);
        var thread = new Thread(() =>
        {
            // What is called later is found now.
            _ = MakeSocket(-1, 0, 0);
            if (Enter(home, CloneNewNet) != 0 || Enter(target, CloneNewNet) != 0)
            {
                error = Marshal.GetLastPInvokeError();
                return;
            }
            descriptor = MakeSocket(Internet, StreamCloseOnExec, 0);
            var failure = Marshal.GetLastPInvokeError();
            var isBack = Enter(home, CloneNewNet) == 0;
            error = descriptor < 0 ? failure : isBack ? 0 : Marshal.GetLastPInvokeError();
        });
        thread.Start();
        thread.Join();
        var socket = new SafeSocketHandle(descriptor, ownsHandle: true);
        if (error == 0)
            return socket;
        socket.Dispose();
        throw new IOException($"Namespace {path} cannot be entered: {new Win32Exception(error).Message}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int Enter(SafeFileHandle handle, int type);

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int MakeSocket(int domain, int type, int protocol);
}
