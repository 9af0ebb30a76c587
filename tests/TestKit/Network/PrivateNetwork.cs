using Microsoft.Extensions.Logging.Abstractions;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.TestKit.Network;

/// <summary>
/// A network of a test's own, in which namespaces have names that nobody else sees. All of it hangs on a process that ends with the
/// test process, however that ends. Needs root.
/// </summary>
public sealed class PrivateNetwork : IAsyncDisposable
{
    private const string Script = """
        set -e
        mkdir -p /run/netns
        mount -t tmpfs netns /run/netns
        ip link set lo up
        echo up
        exec cat
        """;

    private readonly ChildProcess _holder;

    private PrivateNetwork(ChildProcess holder)
    {
        _holder = holder;
        Tools = new InsideTools(this);
    }

    /// <summary>Runs tools inside.</summary>
    public InsideTools Tools { get; }

    /// <summary>The process that it hangs on.</summary>
    public int Id => _holder.Id;

    /// <summary>Makes one, with only a loopback device.</summary>
    public static async Task<PrivateNetwork> StartAsync()
    {
        // cat ends with its input, and that with the process that holds the other end.
        var holder = ChildProcess.Start("unshare", ["--net", "--mount", "--propagation", "private", "--", "sh", "-c", Script]);
        try
        {
            await holder.WaitForLineAsync("that the network is there", line => line == "up");
            return new PrivateNetwork(holder);
        }
        catch
        {
            await holder.DisposeAsync();
            throw;
        }
    }

    /// <summary>What starts a program inside; the process is the program's own.</summary>
    public (string File, IReadOnlyList<string> Arguments) Inside(string file, params IEnumerable<string> arguments) =>
        ("nsenter", [$"--net=/proc/{Id}/ns/net", $"--mount=/proc/{Id}/ns/mnt", "--", file, .. arguments]);

    /// <summary>Runs a program inside, to its end.</summary>
    public Task<string> RunAsync(string file, params string[] arguments)
    {
        var (entering, all) = Inside(file, arguments);
        return ChildProcess.RunAsync(entering, all);
    }

    /// <summary>Runs lines of a shell inside, until one fails.</summary>
    public Task<string> ShellAsync(string script) => RunAsync("sh", "-ec", script);

    public async ValueTask DisposeAsync()
    {
        if (!_holder.HasExited)
        {
            _holder.Input.Close();
            await _holder.WaitForExitAsync();
        }

        await _holder.DisposeAsync();
    }

    /// <summary>The tools of an agent that lives in such a network.</summary>
    public sealed class InsideTools : IToolRunner, IToolStarter
    {
        private readonly PrivateNetwork _network;
        private readonly ToolRunner _runner = new(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);
        private int _runs;

        internal InsideTools(PrivateNetwork network) => _network = network;

        /// <summary>How many were run to their end.</summary>
        public int Runs => _runs;

        public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _runs);
            return _runner.RunAsync(Inside(call), cancellationToken);
        }

        public IStreamedTool Begin(ToolCall call) => _runner.Begin(Inside(call));

        private ToolCall Inside(ToolCall call)
        {
            var (file, arguments) = _network.Inside(call.Tool, call.Arguments);
            return call with
            {
                Tool = file,
                Arguments = arguments,
            };
        }
    }
}
