using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Network;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>
/// A network between Sparkle and a host that loses packets: namespaces for either side, a cable between them, and a packet
/// filter. They go with the test process, whatever becomes of it.
/// </summary>
public sealed class CutTests : BulkFixture
{
    private const string Wire = "wire";
    private const string Everything = $"iifname {Wire} drop";

    private static readonly IPAddress SiteAddress = IPAddress.Parse("10.118.0.1");
    private static readonly IPAddress MachineAddress = IPAddress.Parse("10.118.0.2");

    private NetworkNamespace? _site;
    private NetworkNamespace? _machine;

    private NetworkNamespace Site => _site!;

    private NetworkNamespace Machine => _machine!;

    private string Endpoint => $"tcp://{SiteAddress}:{Running.MessagingPort}";

    protected override async Task<PlatformSettings> SettingsAsync()
    {
        _site = await NetworkNamespace.StartAsync();
        _machine = await NetworkNamespace.StartAsync();
        await Site.ConnectAsync(Machine, Wire, SiteAddress, MachineAddress);
        return (await base.SettingsAsync()) with
        {
            SparkleNetwork = Site,
            SparkleAddress = SiteAddress.ToString(),
            TwilightNetwork = Machine,
        };
    }

    protected override async Task TidyAsync()
    {
        if (_machine is not null)
            await _machine.DisposeAsync();
        if (_site is not null)
            await _site.DisposeAsync();
    }

    [TearDown]
    public async Task RepairAsync()
    {
        await Site.FilterAsync();
        await Machine.FilterAsync();
    }

    [TestCase(true, true)]
    [TestCase(true, false)]
    [TestCase(false, true)]
    public async Task A_cut_is_noticed_by_both_and_what_was_ordered_meanwhile_is_carried_out_after_it(bool toSparkle, bool toTwilight)
    {
        var (kept, pid) = await RunAsync();
        var (stopped, stoppedPid) = await RunAsync();
        var lost = LinesOf("Sparkle cannot be reached");
        var old = Connections();

        if (toSparkle)
            await Site.FilterAsync(Everything);
        if (toTwilight)
            await Machine.FilterAsync(Everything);

        await HostIsAsync("unreachable");
        await Eventually.HoldsAsync("Twilight to notice", () => LinesOf("Sparkle cannot be reached") > lost);
        await Eventually.HoldsAsync("Sparkle's end of the connection to end", () => !Connections().Intersect(old).Any());
        await stopped.OrderAsync("stopped");
        var made = await Running.CreateAsync();
        Assert.That(RunningInstance.Status(await kept.GetAsync()), Is.EqualTo("running"));
        Assert.That(stopped.GuestPid, Is.EqualTo(stoppedPid));

        await RepairAsync();

        await stopped.IsAsync("stopped");
        await made.RunsAsync();
        await HostIsAsync("present");
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        await DeleteAsync(kept, stopped, made);
    }

    [Test]
    public async Task A_connection_that_a_firewall_forgot_is_replaced_by_another()
    {
        var (kept, pid) = await RunAsync();
        var (stopped, _) = await RunAsync();
        var old = Connections();
        var ports = $"{{ {string.Join(", ", old)} }}";

        // What is connected now, both ways, for as long as the test lasts; new connections pass.
        await Site.FilterAsync($"tcp dport {Running.MessagingPort} tcp sport {ports} drop");
        await Machine.FilterAsync($"tcp sport {Running.MessagingPort} tcp dport {ports} drop");

        await Eventually.HoldsAsync("another connection", () => Connections().Except(old).Any());
        await Eventually.HoldsAsync("the old one to end", () => !Connections().Intersect(old).Any());
        await stopped.OrderAsync("stopped");
        await stopped.IsAsync("stopped");
        await HostIsAsync("present");
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        await DeleteAsync(kept, stopped);
    }

    [Test]
    public async Task A_report_that_is_cut_in_its_middle_is_not_shown_before_it_is_whole()
    {
        var identity = await LinkHost.DeclareAsync(Running);
        await Site.FilterAsync($"iifname {Wire} tcp dport {Running.MessagingPort} quota over {Middle} bytes counter drop");
        await using var host = Machine.Make(() => LinkHost.Start(Running, identity, Endpoint, places: Many));
        await DroppedAsync(Site);
        Assert.That(await ShownAsync(identity.Uuid), Is.Zero);

        await RepairAsync();

        await ShowsAsync(identity.Uuid, before: 0, after: Many);
    }

    [Test]
    public async Task Orders_that_are_cut_in_their_middle_are_not_obeyed_before_they_are_whole()
    {
        var identity = await LinkHost.DeclareAsync(Running);
        await OrderManyAsync(identity.Uuid);
        await Machine.FilterAsync($"iifname {Wire} tcp sport {Running.MessagingPort} quota over {Middle} bytes counter drop");
        await using var host = Machine.Make(() => LinkHost.Start(Running, identity, Endpoint));
        await DroppedAsync(Machine);
        Assert.That(host.EverOrdered, Is.Empty);

        await RepairAsync();

        await host.IsOrderedAsync(ManyOrdered);
        Assert.That(host.EverOrdered, Is.EqualTo(new[] { ManyOrdered }));
        await ForgetManyAsync();
        await host.IsOrderedAsync(1);
    }

    [Test]
    public async Task A_machine_that_vanished_with_its_network_is_replaced_by_another_with_the_same_uuid_and_key()
    {
        var (kept, pid) = await RunAsync();
        var (stopped, _) = await RunAsync();
        var contested = await EventsAsync("host-contested");

        await Machine.DisconnectAsync(Wire);
        await Running.Twilight.KillAsync();
        await Machine.DisposeAsync();
        await stopped.OrderAsync("stopped");

        _machine = await NetworkNamespace.StartAsync();
        await Site.ConnectAsync(Machine, Wire, SiteAddress, MachineAddress);
        Running.StartTwilight(Machine);

        await stopped.IsAsync("stopped");
        await HostIsAsync("present");
        Assert.That((kept.GuestPid, kept.Boots), Is.EqualTo((pid, 1)));
        Assert.That(await EventsAsync("host-contested"), Is.EqualTo(contested));
        await DeleteAsync(kept, stopped);
    }

    private static Task<string> DroppedAsync(NetworkNamespace network) => Eventually.SeesAsync(
        "packets to be dropped",
        _ => network.ShowFilterAsync(),
        rules => !rules.Contains("counter packets 0 ", StringComparison.Ordinal));

    private int LinesOf(string text) => Running.Twilight.Lines.Count(line => line.Contains(text, StringComparison.Ordinal));
}
