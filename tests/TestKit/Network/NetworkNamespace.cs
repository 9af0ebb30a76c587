using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.TestKit.Network;

/// <summary>
/// A network namespace of a test's own. It has no name and hangs on a process that ends with the test process, however that
/// ends, and takes along what runs inside, daemons of an agent above all; the kernel then takes its devices and packet filters away.
/// Needs root.
/// </summary>
public sealed partial class NetworkNamespace : IAsyncDisposable
{
    private const int CloneNewNet = 0x40000000;

    // cat ends with its input, and that with the process that holds the other end. Who interrupts the tests from a terminal also sends to
    // this process, which has something left to do.
    private const string Script = """
        trap '' INT TERM HUP
        set -- /proc/self/ns/net
        if [ "$names" ]; then
          mount -t tmpfs tmpfs /run && mkdir /run/netns || exit
        fi
        ip link set lo up && echo up && cat >/dev/null
        if [ "$names" ]; then
          set -- "$@" $(find /run/netns -type f)
        fi
        for space in $(stat -L -c %i "$@"); do
          for inside in $(find /proc/[0-9]*/ns/net -maxdepth 0 -lname "net:\[$space\]" 2>/dev/null); do
            inside=${inside#/proc/}
            [ "${inside%%/*}" = $$ ] || kill -9 "${inside%%/*}" 2>/dev/null
          done
        done
        """;

    private readonly ChildProcess _holder;
    private readonly bool _hasNames;

    private NetworkNamespace(ChildProcess holder, bool hasNames)
    {
        _holder = holder;
        _hasNames = hasNames;
    }

    /// <summary>Where the test process finds the names that what runs inside gives to further namespaces.</summary>
    public string Names => $"/proc/{_holder.Id}/root/run/netns";

    private string Handle => $"/proc/{_holder.Id}/ns/net";

    /// <summary>Makes one, with only a loopback device.</summary>
    /// <param name="hasNames">
    /// What runs inside sees a /run of its own, so the names that it gives to further namespaces are no others' business.
    /// </param>
    public static async Task<NetworkNamespace> StartAsync(bool hasNames = false)
    {
        string[] mounts = hasNames ? ["--mount"] : [];
        var holder = ChildProcess.Start("unshare", ["--net", .. mounts, "--", "sh", "-c", $"names={(hasNames ? "yes" : "")}\n{Script}"]);
        try
        {
            await holder.WaitForLineAsync("that the namespace is there", line => line == "up");
            return new NetworkNamespace(holder, hasNames);
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lays a cable to another namespace; either end has its address in a network of the two.</summary>
    /// <param name="device">Name of the device in either namespace.</param>
    public async Task ConnectAsync(NetworkNamespace other, string device, IPAddress here, IPAddress there)
    {
        await RunAsync(
            "ip", "link", "add", device, "type", "veth", "peer", "name", device, "netns", other._holder.Id.ToString(CultureInfo.InvariantCulture));
        foreach (var (end, address) in new[] { (this, here), (other, there) })
        {
            await end.RunAsync("ip", "address", "add", $"{address}/30", "dev", device);
            await end.RunAsync("ip", "link", "set", device, "up");
        }
    }

    /// <summary>Takes in a device of the namespace of the test itself. A network card goes back there at the end of this one.</summary>
    public Task TakeAsync(string device) => ChildProcess.RunAsync(
        "ip", ["link", "set", "dev", device, "netns", _holder.Id.ToString(CultureInfo.InvariantCulture)]);

    /// <summary>Takes a device away, and what it is connected to: nothing that is said after this arrives, not even an end.</summary>
    public Task DisconnectAsync(string device) => RunAsync("ip", "link", "delete", device);

    /// <summary>The packet filter from now on, in place of all that was there.</summary>
    /// <param name="rules">Rules for what comes in, each as nft writes it; none lets everything through.</param>
    public async Task FilterAsync(params string[] rules)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, $$"""
                flush ruleset
                table inet fault {
                  chain input {
                    type filter hook input priority 0; policy accept;
                    {{string.Join("\n    ", rules)}}
                  }
                }
                """);
            await RunAsync("nft", "-f", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The packet filter as nft shows it, with its counters.</summary>
    public Task<string> ShowFilterAsync() => RunAsync("nft", "list", "ruleset");

    /// <summary>Runs a program inside, to its end.</summary>
    public Task<string> RunAsync(string file, params string[] arguments)
    {
        var (entering, all) = Inside(file, arguments);
        return ChildProcess.RunAsync(entering, all);
    }

    /// <summary>What starts a program inside; the process is the program's own.</summary>
    public (string File, IReadOnlyList<string> Arguments) Inside(string file, IEnumerable<string> arguments) =>
        ("nsenter", [$"--net={Handle}", .. _hasNames ? [$"--mount=/proc/{_holder.Id}/ns/mnt"] : Array.Empty<string>(), "--", file, .. arguments]);

    /// <summary>Runs the tools of an agent inside.</summary>
    public IToolRunner Tools(IToolRunner tools) => new InsideTools(this, tools);

    /// <summary>Starts the tools of an agent inside.</summary>
    public IToolStarter Starter(IToolStarter tools) => new InsideStarter(this, tools);

    /// <summary>
    /// Makes something whose sockets are to be inside. A socket belongs where the thread was that made it, and a thread
    /// starts where the one was that started it.
    /// </summary>
    public T Make<T>(Func<T> make) => MakeIn(Handle, make);

    /// <summary>Makes something in any namespace.</summary>
    /// <param name="handle">The file that stands for it, such as <c>/proc/PID/ns/net</c>.</param>
    internal static T MakeIn<T>(string handle, Func<T> make)
    {
        T? made = default;
        Exception? failure = null;
        // A thread of its own, since it stays inside.
        var thread = new Thread(() =>
        {
            try
            {
                using var file = File.OpenHandle(handle);
                if (SetNamespace(file, CloneNewNet) != 0)
                    throw new Win32Exception();
                made = make();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new InvalidOperationException("Nothing could be made inside of the namespace.", failure);
    }

    /// <summary>For clients of HTTP servers that listen inside.</summary>
    public SocketsHttpHandler HttpHandler() => new()
    {
        ConnectCallback = async (context, cancellation) =>
        {
            var socket = Make(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            try
            {
                await socket.ConnectAsync(IPAddress.Parse(context.DnsEndPoint.Host), context.DnsEndPoint.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    public async ValueTask DisposeAsync()
    {
        if (!_holder.HasExited)
        {
            _holder.Input.Close();
            await _holder.WaitForExitAsync();
        }

        await _holder.DisposeAsync();
    }

    private sealed class InsideTools(NetworkNamespace space, IToolRunner tools) : IToolRunner
    {
        public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
        {
            var (tool, arguments) = space.Inside(call.Tool, call.Arguments);
            return tools.RunAsync(call with { Tool = tool, Arguments = arguments }, cancellationToken);
        }
    }

    private sealed class InsideStarter(NetworkNamespace space, IToolStarter tools) : IToolStarter
    {
        public IStreamedTool Begin(ToolCall call)
        {
            var (tool, arguments) = space.Inside(call.Tool, call.Arguments);
            return tools.Begin(call with { Tool = tool, Arguments = arguments });
        }
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(Microsoft.Win32.SafeHandles.SafeFileHandle handle, int type);
}
