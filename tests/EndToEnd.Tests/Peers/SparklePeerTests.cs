using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Guests;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Peers;

/// <summary>Twilight on a real hypervisor, with a controller that somebody else wrote. Each test has a controller of its own, as if it had restarted.</summary>
public sealed class SparklePeerTests
{
    private const string Resync = "twilight-resync";
    private const string Update = "twilight-update-state";
    private const string OwnUpdate = "sparkle-update-state";

    private readonly TemporaryDirectory _directory = new("peer");
    private readonly int _port = FreePort.Take();
    private PrivateLibvirtd _libvirtd = null!;
    private ChildProcess _twilight = null!;
    private PythonPeer _peer = null!;
    private Guid _host;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _libvirtd = await PrivateLibvirtd.StartAsync();
        _host = _libvirtd.HostUuid;
        RomGuest.Write(_directory["guest.rom"], PowerButton.PowersOff);
        Directory.CreateDirectory(_directory["console"]);
        File.WriteAllText(_directory["twilight.json"], JsonConvert.SerializeObject(new
        {
            uuid = _host.ToString(),
            messaging = new
            {
                endpoint = $"tcp://127.0.0.1:{_port}",
                server_key = CurveKeyFile.ReadOrMake(KeyFile).PublicKey,
                key_file = _directory["twilight.key"],
                keep_alive = "2",
            },
            hypervisor = new { uri = _libvirtd.Uri, accelerator = "tcg" },
            console_directory = _directory["console"],
            storage = new { staging_directory = _directory["storage"] },
            metadata = new { seed_directory = _directory["seeds"] },
            diskless_boot = new { rom = _directory["guest.rom"] },
        }));
        _twilight = ChildProcess.StartDaemon("Twilight", "twilight", ["--config", _directory["twilight.json"]]);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_twilight is not null)
        {
            await _twilight.DisposeAsync();
        }

        if (_libvirtd is not null)
        {
            await _libvirtd.DisposeAsync();
        }

        _directory.Dispose();
    }

    [TearDown]
    public async Task LeaveAsync()
    {
        await _peer.DisposeAsync();
        Assert.That(_twilight.HasExited, Is.False, string.Join('\n', _twilight.Lines));
    }

    [Test]
    public async Task A_host_tells_what_it_is()
    {
        Lead();

        var rows = await _peer.HoldsAsync("the host's inventory", copy => copy["host"].Any());

        var host = rows["host"].Single();
        Assert.That(host.Value<string>("uuid"), Is.EqualTo(_host.ToString()));
        Assert.That(host.Value<int>("cpu_threads"), Is.EqualTo(Environment.ProcessorCount));
        Assert.That(host.Value<long>("memory_total"), Is.Positive);
        Assert.That(host.Value<string>("accelerator"), Is.EqualTo("tcg"));
        Assert.That(host.Value<string>("hypervisor"), Does.StartWith("QEMU"));
    }

    [Test]
    public async Task An_instance_runs_stops_and_goes_as_it_is_ordered([Values] bool bare)
    {
        Lead(bare);
        var instance = Guid.NewGuid();

        await _peer.ChangeAsync([Host(), .. Instance(instance, "running")]);
        await IsAsync(instance, "running");
        Assert.That(_libvirtd.GuestPid(instance), Is.Not.Null);

        await _peer.ChangeAsync(Instance(instance, "stopped"));
        await IsAsync(instance, "stopped");
        Assert.That(_libvirtd.GuestPid(instance), Is.Null);

        // It is told by a full state: one that no longer has the instance.
        await _peer.LoseAsync(Gone(instance));
        await _peer.ChangeAsync();
        await _peer.HoldsAsync("that the row is gone", copy => StatusOf(copy, instance) is null, _peer.Now);
        Assert.That(await _libvirtd.VirshAsync("list", "--all", "--uuid"), Does.Not.Contain(instance.ToString()));
    }

    [Test]
    public async Task A_lost_order_is_noticed_and_everything_is_asked_for_under_a_new_name()
    {
        Lead();
        var instance = Guid.NewGuid();
        await _peer.ChangeAsync(Host());
        var first = Stream(await _peer.ReceivesAsync(Resync));
        await InStepAsync();
        var before = _peer.Now;

        await _peer.LoseAsync(Instance(instance, "running"));
        await _peer.ChangeAsync();

        var second = Stream(await _peer.ReceivesAsync(Resync, from: before));
        Assert.That(second.Prefix, Is.EqualTo(first.Prefix));
        Assert.That(second.Counter, Is.GreaterThan(first.Counter));
        await IsAsync(instance, "running");
    }

    [Test]
    public async Task A_controller_that_knows_nothing_yet_stops_nothing()
    {
        Lead();
        var instance = Guid.NewGuid();
        await _peer.ChangeAsync([Host(), .. Instance(instance, "running")]);
        await IsAsync(instance, "running");
        var pid = _libvirtd.GuestPid(instance);

        // Its successor has no rows yet, and answers no request.
        await _peer.DisposeAsync();
        Lead();
        await _peer.ReceivesAsync(Update);
        await _peer.SendAsync(new { @event = OwnUpdate, incarnation = "successor", seq = 7, stream = (string?)null, changes = Array.Empty<object>() });
        var request = await _peer.ReceivesAsync(Resync);
        await _peer.SendAsync(new { @event = OwnUpdate, incarnation = "successor", seq = 0, stream = "another:1", changes = Array.Empty<object>() });
        await _peer.SendAsync(new { @event = OwnUpdate, incarnation = "successor", seq = 1, stream = request["stream"], changes = Gone(instance) });

        // It goes on asking, each time under another name.
        var again = await _peer.ReceivesAsync(Resync, message => Stream(message).Counter > Stream(request).Counter);
        Assert.That(Stream(again).Prefix, Is.EqualTo(Stream(request).Prefix));
        await _peer.ChangeAsync([Host(), .. Instance(instance, "running")]);
        await InStepAsync();
        await IsAsync(instance, "running");
        Assert.That(_libvirtd.GuestPid(instance), Is.EqualTo(pid), "it was not touched");
    }

    [Test]
    public async Task Late_orders_are_not_obeyed()
    {
        Lead();
        var (first, second) = (Guid.NewGuid(), Guid.NewGuid());
        await _peer.ChangeAsync([Host(), .. Instance(first, "running")]);
        await IsAsync(first, "running");
        var pid = _libvirtd.GuestPid(first);
        var old = _peer.Messages("sent", OwnUpdate)[^1];
        // A second stream, so that the first is an older one.
        var before = _peer.Now;
        await _peer.LoseAsync();
        await _peer.ChangeAsync();
        var last = await _peer.SendsAsync(OwnUpdate, message => message.Value<long>("seq") == 0, before);
        Assert.That(last.Value<string>("stream"), Is.Not.EqualTo(old.Value<string>("stream")));
        before = _peer.Now;

        foreach (var late in new[] { old, last })
        {
            var forged = (JObject)late.DeepClone();
            forged["changes"] = JArray.FromObject(Gone(first));
            await _peer.SendAsync(forged);
        }

        await _peer.ChangeAsync(Instance(second, "running"));
        await IsAsync(second, "running");
        Assert.That(_libvirtd.GuestPid(first), Is.EqualTo(pid));
        Assert.That(_peer.Messages("received", Resync, before), Is.Empty, "what is late is no gap");
    }

    [Test]
    public async Task A_request_that_is_not_newer_is_not_answered()
    {
        Lead();
        await _peer.HoldsAsync("the host's inventory", copy => copy["host"].Any());

        var request = await _peer.SendsAsync("sparkle-resync");
        var before = _peer.Now;

        await _peer.SendAsync(request);
        await _peer.AskAsync();

        var next = await _peer.SendsAsync("sparkle-resync", message => Stream(message).Counter > Stream(request).Counter, before);
        await _peer.ReceivesAsync(Update, message => message.Value<string>("stream") == next.Value<string>("stream"), before);
        var answers = _peer.Messages("received", Update, before).Where(message => message.Value<long>("seq") == 0).ToList();
        Assert.That(answers.Select(Stream), Is.EqualTo(new[] { Stream(next) }));
    }

    private static (string Prefix, long Counter) Stream(JObject message)
    {
        var parts = message.Value<string>("stream")!.Split(':');
        return (parts[0], long.Parse(parts[1]));
    }

    private static string? StatusOf(ILookup<string, JObject> copy, Guid instance) => copy["host_instance"]
        .SingleOrDefault(row => row.Value<string>("instance") == instance.ToString())?.Value<string>("status");

    private JArray Host() => PythonPeer.Change("host", _host, "desired", new { uuid = _host, name = "this" });

    private JArray[] Instance(Guid instance, string state) =>
    [
        PythonPeer.Change("host_instance", new[] { _host, instance }, "desired", new { host = _host, instance }),
        PythonPeer.Change(
            "instance", instance, "desired",
            new { uuid = instance, tenant = Guid.Empty, name = $"guest-{instance:N}"[..20], state, vcpu = 1, mem = 16, stop_timeout = 3600 }),
    ];

    private JArray[] Gone(Guid instance) =>
    [
        PythonPeer.Change("host_instance", new[] { _host, instance }, "desired", null),
        PythonPeer.Change("instance", instance, "desired", null),
    ];

    private string KeyFile => _directory["sparkle.key"];

    private void Lead(bool bare = false) => _peer = PythonPeer.Start(
        "sparkle.py", ["--endpoint", $"tcp://127.0.0.1:{_port}", "--key-file", KeyFile, "--keep-alive", "2", .. bare ? new[] { "--bare" } : []]);

    /// <summary>Waits until the host was sent the full state that it asked for.</summary>
    private Task<JObject> InStepAsync() => _peer.SendsAsync(OwnUpdate, message => message.Value<long>("seq") == 0);

    private Task<ILookup<string, JObject>> IsAsync(Guid instance, string status) =>
        _peer.HoldsAsync($"instance {instance} to be {status}", copy => StatusOf(copy, instance) == status);
}
