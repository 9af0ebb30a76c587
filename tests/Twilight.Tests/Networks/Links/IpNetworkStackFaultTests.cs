using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Links;

/// <summary>What is cut off, ends, or is said wrongly, on the real kernel.</summary>
[TestFixture]
[CancelAfter(120_000)]
public sealed class IpNetworkStackFaultTests
{
    /// <summary>A switch with a tunnel, a card, and its namespace.</summary>
    private static NetworkState Wanted()
    {
        var host = Plans.Of(Plans.NewBridge(), Plans.NewTunnel(), Plans.NewTap(), Plans.NewCable()) with
        {
            Neighbours = [new Neighbour(Plans.Bridge, "10.0.0.7", "02:00:00:00:00:77")],
            Forwardings = [new Forwarding(Plans.Tunnel, "02:00:00:00:00:77", "192.0.2.2"), new Forwarding(Plans.Tap, "02:00:00:00:00:78")],
        };
        var space = Plans.Of(Plans.NewCableEnd()) with
        {
            Addresses = [new LinkAddress("guests", "10.0.0.1/24")],
            Sysctls = NetworkState.Empty[""].Sysctls.Add("net.ipv4.ip_forward", "1"),
        };
        return Plans.Host(host).With(Plans.Space, space);
    }

    private static IpNetworkStack Open(IToolRunner tools, IToolStarter starter, TimeProvider? time = null) =>
        new(tools, starter, time ?? TimeProvider.System, NullLogger<IpNetworkStack>.Instance);

    [Test]
    public async Task Cut_off_after_any_line_the_next_plan_goes_on(CancellationToken cancellationToken)
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var stack = Open(network.Tools, network.Tools);
        var wanted = Wanted();
        var (lines, wasWhole) = (0, false);
        for (; !wasWhole; lines++)
        {
            // Two fresh scans of a kernel whose namespaces go a moment after their names.
            var cut = new CutTools(network.Tools, lines);
            await using (var dying = Open(cut, network.Tools))
            {
                try
                {
                    await dying.ApplyAsync(NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), wanted).Steps, cancellationToken);
                    wasWhole = true;
                }
                catch (NetworkException exception)
                {
                    Assert.That(exception.Message, Does.StartWith(CutTools.Words));
                }
            }
            var rest = NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), wanted);
            await stack.ApplyAsync(rest.Steps, cancellationToken);
            var second = NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), wanted);
            await stack.ApplyAsync(NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), NetworkState.Empty).Steps, cancellationToken);

            Assert.That(rest.Obstacles, Is.Empty, $"after {lines} lines");
            Assert.That(second.Steps.Select(StepText.Of), Is.Empty, $"after {lines} lines");
            Assert.That((await stack.ScanAsync(cancellationToken))[NetworkState.Host].Links.Keys, Is.EqualTo(new[] { "lo" }));
        }
        Assert.That(lines, Is.GreaterThan(15));
    }

    [Test]
    public async Task A_namespace_whose_maker_was_cut_off_is_made_anew(CancellationToken cancellationToken)
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var stack = Open(network.Tools, network.Tools);
        await network.ShellAsync($": > /run/netns/{Plans.Space}");
        var before = await stack.ScanAsync(cancellationToken);
        await stack.ApplyAsync(NetworkPlanner.Plan(before, Wanted()).Steps, cancellationToken);

        Assert.That(before[Plans.Space].IsBroken, Is.True);
        Assert.That(NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), Wanted()).Steps, Is.Empty);
    }

    [Test]
    public async Task What_others_made_in_the_kernel_is_as_it_was(CancellationToken cancellationToken)
    {
        const string look = "ip -d -o link show | sed 's/_timer *[0-9.]*//g'; ip -o address; ip route show table all; ip -6 route show table all; ip rule; ip neigh show nud permanent";
        await using var network = await PrivateNetwork.StartAsync();
        await using var stack = Open(network.Tools, network.Tools);
        await network.ShellAsync("""
            ip link add mine0 type bridge; ip link set dev mine0 alias 'a bridge of mine' up; ip address add 198.51.100.1/24 dev mine0 nodad
            ip link add pcs00000000000f type veth peer name mine1; ip link set dev mine1 alias ponies master mine0 up
            ip link add mine2 type vxlan id 77 local 198.51.100.1 dstport 4789; ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:99 dev mine0
            ip route add 203.0.113.0/24 via 198.51.100.9 dev mine0; ip rule add iif mine0 lookup 77; ip netns add other
            """);
        var before = await network.ShellAsync(look);
        await stack.ApplyAsync(NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), Wanted()).Steps, cancellationToken);
        await stack.ApplyAsync(NetworkPlanner.Plan(await stack.ScanAsync(cancellationToken), NetworkState.Empty).Steps, cancellationToken);

        Assert.That(await network.ShellAsync(look), Is.EqualTo(before));
        Assert.That(await network.ShellAsync("ls /run/netns"), Is.EqualTo("other"));
    }

    [Test]
    public async Task What_follows_the_kernel_is_started_again_and_says_that_something_may_have_been_missed(CancellationToken cancellationToken)
    {
        await using var network = await PrivateNetwork.StartAsync();
        var time = new ManualTime();
        await using var stack = Open(network.Tools, new FailingStarter(network.Tools), time);
        var first = await stack.Events.ReadAsync(cancellationToken);
        await Eventually.SeesAsync("the next one", _ => Advance(time, stack), said => said == first);

        // It does not say when it listens.
        await Eventually.SeesAsync("a change", async _ =>
        {
            await network.ShellAsync("ip link add mine0 type bridge; ip link delete dev mine0");
            return await Advance(TimeProvider.System, stack);
        }, said => said?.Contains("changed", StringComparison.Ordinal) ?? false);
    }

    private static Task<string?> Advance(TimeProvider time, IpNetworkStack stack)
    {
        (time as ManualTime)?.Advance(TimeSpan.FromMilliseconds(100));
        return Task.FromResult(stack.Events.TryRead(out var said) ? said : null);
    }

    [TestCase("a \"quoted\" one")]
    [TestCase("a # comment")]
    [TestCase("two\nlines")]
    [TestCase("back\\slash")]
    public async Task What_a_batch_would_take_for_something_else_is_refused_before_anything_is_done(string alias)
    {
        await using var network = await PrivateNetwork.StartAsync();
        await using var stack = Open(network.Tools, network.Tools);
        NetworkStep[] steps = [new NetworkStep.AddLink("", Plans.NewBridge()), new NetworkStep.AddLink("", Plans.NewTap() with { Alias = $"ponycloud {alias}" })];

        var refusal = await Assert.ThrowsAsync<NetworkException>(() => stack.ApplyAsync(steps, CancellationToken.None));

        Assert.That(refusal!.Step, Is.EqualTo(steps[1]));
        Assert.That((await stack.ScanAsync(CancellationToken.None))[""].Links.Keys, Is.EqualTo(new[] { "lo" }));
    }

    /// <summary>Carries out so many lines, then dies.</summary>
    private sealed class CutTools(IToolRunner tools, int lines) : IToolRunner
    {
        public const string Words = "The agent is gone.";

        private int _left = lines;

        public async Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
        {
            var isSysctl = call.Input is null;
            var all = isSysctl ? call.Arguments.Where(argument => argument.Contains('=') && !argument.StartsWith('-')).ToArray() : call.Input!.TrimEnd('\n').Split('\n');
            var some = all.Take(_left).ToArray();
            _left -= some.Length;
            var result = some.Length == 0 ? new ToolResult(0, "", "") : await tools.RunAsync(
                isSysctl
                    ? call with { Arguments = [.. call.Arguments.Except(all), .. some] }
                    : call with { Input = string.Concat(some.Select(line => line + "\n")) },
                cancellationToken);
            return some.Length == all.Length ? result : throw new ToolException(ToolFailure.Failed, Words);
        }
    }

    /// <summary>The first that it starts ends at once.</summary>
    private sealed class FailingStarter(IToolStarter starter) : IToolStarter
    {
        private int _count;

        public IStreamedTool Begin(ToolCall call) => starter.Begin(Interlocked.Increment(ref _count) == 1 ? new ToolCall("false") : call);
    }
}
