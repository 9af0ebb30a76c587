using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Networks.Serving;

/// <summary>The real dnsmasq, asked by guests in namespaces of their own.</summary>
public sealed class DnsmasqServicesTests
{
    private static readonly string Server4 = ServedSwitch.Network4.ServiceAddress!;
    private static readonly string Server6 = ServedSwitch.Network6.ServiceAddress!;
    private static readonly SwitchPortDesired Web = ServedSwitch.Web;

    private SwitchRig _rig = null!;
    private DnsmasqServices _services = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _rig = await SwitchRig.StartAsync(ServedSwitch.Switch, Server4 + "/24", Server6 + "/64");
        _services = _rig.Services();
    }

    [TearDown]
    public async Task StopAsync() => await _rig.DisposeAsync();

    [Test]
    public async Task A_guest_gets_its_address_and_all_that_goes_with_it()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        await _rig.AddGuestAsync("db", ServedSwitch.Db.Macaddr);
        await _rig.AddGuestAsync("numbered", ServedSwitch.Numbered.Macaddr);

        Assert.That(await _rig.LeaseAsync("web"), Is.EqualTo(
            "ip=10.0.0.1 mask=24 router=10.0.0.254 dns=10.0.0.253 192.0.2.53 mtu=1450 routes=169.254.169.254/32 10.0.0.253 10.9.0.0/16 10.0.0.9 0.0.0.0/0 10.0.0.254"
            + " hostname=web domain=internal lease=3600"));
        Assert.That(await _rig.LeaseAsync("db"), Does.Contain("ip=10.0.0.2 ").And.Contain("dns=10.0.0.253 198.51.100.53 ").And.Contain("hostname=db.prod "));
        Assert.That(await _rig.LeaseAsync("numbered"), Does.Contain("ip=10.0.0.3 ").And.Contain("hostname=1234 "));
    }

    [Test]
    public async Task A_guest_gets_its_address_over_IPv6_and_learns_that_no_router_is_here()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("web", Web.Macaddr);

        Assert.That(await _rig.Guest6Async("web", "advertise"), Is.EqualTo("managed lifetime 0\nprefix fd00:1:: 64 not autonomous\nmtu 1450"));
        Assert.That(await _rig.Guest6Async("web", "lease"), Is.EqualTo("address fd00:1::1\nname servers fd00:1::53"));
    }

    [Test]
    public async Task A_routed_network_of_IPv6_has_a_router()
    {
        await ServeAsync(ServedSwitch.Service with { Networks = [ServedSwitch.Network6 with { Routed = true, Gateway = Server6 }] });
        await _rig.AddGuestAsync("web", Web.Macaddr);

        Assert.That(await _rig.Guest6Async("web", "advertise"), Does.StartWith("managed lifetime 1800\n"));
    }

    [Test]
    public async Task Whoever_is_unknown_or_on_another_host_gets_nothing()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("stranger", "02:aa:00:00:00:77");
        await _rig.AddGuestAsync("far", ServedSwitch.Far.Macaddr);

        Assert.That((await _rig.IsRefusedAsync("stranger"), await _rig.IsRefusedAsync("far")), Is.EqualTo((true, true)));
    }

    [Test]
    public async Task Names_of_the_whole_switch_are_answered_both_ways_and_others_at_once()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("asker", "02:aa:00:00:00:77", "10.0.0.77/24", "fd00:1::77/64");

        Assert.That(await AskAsync("far.internal"), Does.Contain("10.0.0.4").And.Contain("fd00:1::4"));
        Assert.That(await AskAsync("far"), Does.Contain("10.0.0.4"));
        Assert.That(await AskAsync("far.internal", Server6), Does.Contain("10.0.0.4"));
        Assert.That(await AskAsync("db.prod.internal"), Does.Contain("10.0.0.2"));
        Assert.That(await AskAsync("10.0.0.4"), Does.Contain("name = far.internal"));
        Assert.That(await AskAsync("10.0.0.1"), Does.Contain("name = www.example.org").And.Not.Contain("web.internal"));
        Assert.That(await AskAsync("fd00:1::1"), Does.Contain("name = www6.example.org"));
        Assert.That(await AskAsync("nobody.internal"), Does.Contain("NXDOMAIN"));
        Assert.That(await AskAsync("10.0.0.99"), Does.Contain("NXDOMAIN"));
        Assert.That(await AskAsync("www.example.org"), Does.Contain("REFUSED"), "a name that a card has reversed is not the card's");
    }

    [Test]
    public async Task A_guest_that_comes_and_one_that_changes_are_known_without_an_interruption()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        await _rig.AddGuestAsync("new", "02:aa:00:00:00:09");
        await _rig.AddGuestAsync("db", ServedSwitch.Db.Macaddr);
        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.1 "));
        Assert.That(await _rig.Guest6Async("web", "lease"), Does.StartWith("address fd00:1::1\n"));
        Assert.That(await _rig.LeaseAsync("db"), Does.StartWith("ip=10.0.0.2 "));
        var process = _rig.Pid();

        await ServeAsync(ServedSwitch.Service with
        {
            Ports =
            [
                Web with { Addresses = TextList.Of(["10.0.0.11", "fd00:1::11"]) }, ServedSwitch.Far with { Name = "farther" }, ServedSwitch.Db,
                ServedSwitch.Port(9, ServedSwitch.Here, "new", "10.0.0.9"),
            ],
        });

        Assert.That(await _rig.LeaseAsync("new"), Does.StartWith("ip=10.0.0.9 "));
        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.11 "));
        Assert.That(await _rig.Guest6Async("web", "lease"), Does.StartWith("address fd00:1::11\n"));
        Assert.That(await _rig.LeaseAsync("db"), Does.Contain("ip=10.0.0.2 ").And.Contain("hostname=db.prod "));
        await _rig.InGuestAsync("web", "ip", "address", "add", "10.0.0.11/24", "dev", "card");
        Assert.That(await _rig.LookUpAsync("web", "farther.internal", Server4), Does.Contain("10.0.0.4"));
        Assert.That(_rig.Pid(), Is.EqualTo(process), "the process goes on");
    }

    [Test]
    public async Task What_nobody_can_be_told_while_it_runs_starts_it_anew()
    {
        await ServeAsync(ServedSwitch.Service);
        var process = _rig.Pid();
        await ServeAsync(ServedSwitch.Service with { Networks = [ServedSwitch.Network4] });

        Assert.That(_rig.Pid(), Is.Not.EqualTo(process));
        Assert.That(Directory.Exists($"/proc/{process}") && IsRunning(process), Is.False);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.1 "));
    }

    [Test]
    public async Task A_guest_keeps_its_address_when_dnsmasq_forgot_it()
    {
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        var lease = await _rig.LeaseAsync("web");
        await ServeAsync(ServedSwitch.Service with { Mtu = 1450, Addresses = [] });

        Assert.That(await _rig.LeaseAsync("web"), Is.EqualTo(lease));
    }

    [Test]
    public async Task One_that_was_killed_is_back_at_once_and_one_that_keeps_dying_later_and_later()
    {
        var time = new ManualTime();
        _services = _rig.Services(time);
        await ServeAsync(ServedSwitch.Service);
        await KillAsync();
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems, Is.Empty);

        await KillAsync();
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems[ServedSwitch.Switch].Single(), Does.Contain("ended by itself"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems, Is.Empty);
        await KillAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems, Is.Not.Empty);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems, Is.Empty);

        // Patience comes back with a minute of work.
        time.Advance(TimeSpan.FromMinutes(2));
        await ServeAsync(ServedSwitch.Service);
        await KillAsync();
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems, Is.Empty);
    }

    [Test]
    public async Task One_that_stands_still_is_replaced()
    {
        await ServeAsync(ServedSwitch.Service);
        var process = _rig.Pid();
        await ChildProcess.SendAsync(process, ProcessSignal.Stop);
        await Eventually.HoldsAsync("that it stands still", () => File.ReadAllText($"/proc/{process}/stat").Contains(") T ", StringComparison.Ordinal));
        await ServeAsync(ServedSwitch.Service);

        Assert.That(_rig.Pid(), Is.Not.EqualTo(process));
    }

    [Test]
    public async Task One_that_runs_and_does_not_answer_is_replaced()
    {
        _services = _rig.Services(options: _rig.Options with { ProbePace = TimeSpan.Zero });
        await ServeAsync(ServedSwitch.Service);
        var process = _rig.Pid();
        await ServeAsync(ServedSwitch.Service);
        Assert.That(_rig.Pid(), Is.EqualTo(process), "as long as it answers it stays");

        // What it is asked never comes to it, as if it went around in circles.
        await InNamespaceAsync("nft", "add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }; add rule inet deaf in udp dport 53 drop");
        await ServeAsync(ServedSwitch.Service);
        Assert.That(_rig.Pid(), Is.Not.EqualTo(process));
    }

    [Test]
    public async Task It_outlives_the_agent_and_the_next_one_takes_it_over()
    {
        await using (var agent = await StartAgentAsync())
            await agent.KillAsync();
        var process = _rig.Pid();
        new LeftoverTools(ServedSwitch.Here, NullLogger<LeftoverTools>.Instance).End();

        await _rig.AddGuestAsync("web", Web.Macaddr);
        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.1 "));
        await ServeAsync(ServedSwitch.Service);
        Assert.That(_rig.Pid(), Is.EqualTo(process));

        Assert.That((await _services.ApplyAsync([], CancellationToken.None)).LookAgain, Is.Null);
        Assert.That(IsRunning(process), Is.False);
        Assert.That(Directory.EnumerateFileSystemEntries(_rig.Options.Directory), Is.Empty);
    }

    [Test]
    public async Task What_an_agent_did_not_tell_before_its_end_the_next_one_tells()
    {
        await ServeAsync(ServedSwitch.Service);
        var process = _rig.Pid();
        var changed = ServedSwitch.Service with { Ports = [Web, ServedSwitch.Db, ServedSwitch.Far with { Name = "farther" }] };
        // Written, and cut off before the process was told.
        File.WriteAllText(
            Path.Combine(_rig.Options.Directory, ServedSwitch.Switch.ToString(), DnsmasqFiles.HostsFile), "10.0.0.4 farther.internal farther\n");
        _services = _rig.Services();
        await ServeAsync(changed);

        await _rig.AddGuestAsync("asker", "02:aa:00:00:00:77", "10.0.0.77/24");
        Assert.That(await AskAsync("farther.internal"), Does.Contain("10.0.0.4"));
        Assert.That(_rig.Pid(), Is.EqualTo(process));
    }

    [Test]
    public async Task The_number_of_somebody_elses_process_is_not_taken_for_it()
    {
        await ServeAsync(ServedSwitch.Service);
        var former = _rig.Pid();
        await using var other = ChildProcess.Start("cat", []);
        File.WriteAllText(Path.Combine(_rig.Options.Directory, ServedSwitch.Switch.ToString(), DnsmasqFiles.PidFile), $"{other.Id}\n");
        await ChildProcess.SendAsync(former, ProcessSignal.Kill);
        await Eventually.HoldsAsync("its end", () => !IsRunning(former));
        await ServeAsync(ServedSwitch.Service);

        Assert.That((other.HasExited, _rig.Pid() == other.Id), Is.EqualTo((false, false)));
    }

    [Test]
    public async Task Another_namespace_of_that_name_gets_another_process()
    {
        await ServeAsync(ServedSwitch.Service);
        var process = _rig.Pid();
        await _rig.RemoveNamespaceAsync();
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems[ServedSwitch.Switch].Single(), Does.Contain("no namespace"));
        Assert.That(IsRunning(process), Is.False, "it would keep the namespace that has no name any more");

        await _rig.MakeNamespaceAsync(Server4 + "/24", Server6 + "/64");
        await ServeAsync(ServedSwitch.Service);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.1 "));
    }

    [Test]
    public async Task What_keeps_it_from_starting_is_told_in_its_words()
    {
        _services = _rig.Services(options: _rig.Options with { User = "nobody-at-all" });
        Assert.That((await ApplyAsync(ServedSwitch.Service)).Problems[ServedSwitch.Switch].Single(), Does.Contain("nobody-at-all"));
    }

    [Test]
    public async Task Two_switches_with_the_same_range_do_not_meet()
    {
        var other = Guid.Parse("52000000-0000-4000-8000-000000000002");
        await using var second = await SwitchRig.StartAsync(other, Server4 + "/24");
        await ServeAsync(ServedSwitch.Service);
        var port = ServedSwitch.Port(1, ServedSwitch.Here, "elsewhere", "10.0.0.42") with { Switch = other };
        var report = await second.Services().ApplyAsync(
            [ServedSwitch.Service with { Switch = other, Networks = [ServedSwitch.Network4], Ports = [port] }], CancellationToken.None);
        Assert.That(report.Problems, Is.Empty);
        await _rig.AddGuestAsync("web", Web.Macaddr);
        await second.AddGuestAsync("web", Web.Macaddr);

        Assert.That(await _rig.LeaseAsync("web"), Does.StartWith("ip=10.0.0.1 "));
        Assert.That(await second.LeaseAsync("web"), Does.StartWith("ip=10.0.0.42 "));
    }

    [Test]
    public async Task Its_files_are_for_root_and_for_it_alone()
    {
        await ServeAsync(ServedSwitch.Service);
        var directory = Path.Combine(_rig.Options.Directory, ServedSwitch.Switch.ToString());
        const UnixFileMode Others = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute | UnixFileMode.GroupWrite;

        Assert.That(File.GetUnixFileMode(directory) & Others, Is.EqualTo(UnixFileMode.None));
        Assert.That(await ChildProcess.RunAsync("stat", ["--format=%U %G", directory]), Is.EqualTo("root nogroup"));
        Assert.That(File.ReadAllText($"/proc/{_rig.Pid()}/status"), Does.Not.Match("(?m)^Uid:\t0"));
        Assert.That(File.ReadAllText($"/proc/{_rig.Pid()}/environ"), Does.Not.Contain(ToolRunner.Mark).And.Not.Contain("HOME="));
    }

    private Task<ServingReport> ApplyAsync(SwitchService service) => _services.ApplyAsync([service], CancellationToken.None);

    private async Task ServeAsync(SwitchService service)
    {
        var report = await ApplyAsync(service);
        Assert.That(report.Problems, Is.Empty);
        Assert.That(report.LookAgain, Is.EqualTo(_rig.Options.Pace));
    }

    private Task<string> AskAsync(string question, string? server = null) => _rig.LookUpAsync("asker", question, server ?? Server4);

    private async Task KillAsync()
    {
        var process = _rig.Pid();
        await ChildProcess.SendAsync(process, ProcessSignal.Kill);
        await Eventually.HoldsAsync("its end", () => !IsRunning(process));
    }

    private Task<string> InNamespaceAsync(string tool, params string[] arguments) =>
        _rig.Host.RunAsync("ip", ["netns", "exec", LinkNames.Namespace(ServedSwitch.Switch), tool, .. arguments]);

    /// <summary>An agent that serves the switch until it is killed.</summary>
    private async Task<ChildProcess> StartAgentAsync()
    {
        var (file, arguments) = _rig.Host.Inside("dotnet", [typeof(ServingAgent).Assembly.Location, ServingAgent.Verb, _rig.Options.Directory]);
        var agent = ChildProcess.Start(file, arguments);
        await agent.WaitForLineAsync("that it serves", line => line == ServingAgent.Ready);
        return agent;
    }

    private static bool IsRunning(int process)
    {
        try
        {
            return !File.ReadAllText($"/proc/{process}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
