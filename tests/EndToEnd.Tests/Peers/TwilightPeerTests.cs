using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Peers;

/// <summary>Sparkle, with a host agent that somebody else wrote.</summary>
public sealed class TwilightPeerTests
{
    private const string Resync = "sparkle-resync";
    private const string Update = "sparkle-update-state";
    private const string OwnUpdate = "twilight-update-state";

    private readonly TemporaryDirectory _directory = new("twilight-peer");
    private RunningPlatform _platform = null!;
    private PythonPeer _peer = null!;
    private Guid _host;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _platform = await RunningPlatform.StartAsync();
        await EvacuateAsync(_platform.Host);
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        if (_platform is not null)
        {
            await _platform.DisposeAsync();
        }

        _directory.Dispose();
    }

    [TearDown]
    public async Task LeaveAsync()
    {
        await _peer.DisposeAsync();
        // The next test's instances are for the next test's host.
        await EvacuateAsync(_host);
    }

    [Test]
    public async Task A_host_is_shown_as_its_agent_reports_it()
    {
        await JoinAsync();

        var row = await ShowsAsync("kernel", "first");
        Assert.That(row.SelectToken("current.status")?.Value<string>(), Is.EqualTo("present"));
        Assert.That(row.SelectToken("current.cpu_threads")?.Value<int>(), Is.EqualTo(6));
        Assert.That(row.SelectToken("current.memory_total")?.Value<long>(), Is.EqualTo(4096));
    }

    [Test]
    public async Task An_order_arrives_as_rows_and_what_is_reported_is_shown([Values] bool bare)
    {
        await JoinAsync(bare);
        var instance = await _platform.CreateAsync();

        var rows = await _peer.HoldsAsync("the instance", copy => Has(copy, instance.Uuid));
        Assert.That(rows["instance"].Single().Value<string>("state"), Is.EqualTo("running"));
        Assert.That(rows["host_instance"].Single().Value<string>("host"), Is.EqualTo(_host.ToString()));
        Assert.That(rows["host"].Single().Value<string>("uuid"), Is.EqualTo(_host.ToString()));

        await _peer.ChangeAsync(Place(instance.Uuid, "running"));
        await instance.IsAsync("running");

        await instance.OrderAsync("stopped");
        await _peer.HoldsAsync("the order to stop", copy => copy["instance"].Any(row => row.Value<string>("state") == "stopped"));
        await _peer.ChangeAsync(Place(instance.Uuid, "stopped"));
        await instance.IsAsync("stopped");

        await instance.DeleteAsync();
        await _peer.HoldsAsync("that the instance is gone", copy => !Has(copy, instance.Uuid), _peer.Now);
    }

    [Test]
    public async Task A_lost_message_is_noticed_and_everything_is_asked_for([Values] bool bare)
    {
        await JoinAsync(bare);
        await ShowsAsync("kernel", "first");
        var before = _peer.Now;

        await _peer.LoseAsync(Host("second"));
        // The next message, even one that says nothing, gives it away.
        await _peer.ChangeAsync();

        await _peer.ReceivesAsync(Resync, from: before);
        await ShowsAsync("kernel", "second");
    }

    [Test]
    public async Task Late_messages_change_nothing()
    {
        await JoinAsync();
        var instance = await _platform.CreateAsync();
        await _peer.HoldsAsync("the instance", copy => Has(copy, instance.Uuid));
        await _peer.ChangeAsync(Place(instance.Uuid, "running"));
        await instance.IsAsync("running");
        var old = _peer.Messages("sent", OwnUpdate)[^1];
        // A second stream, so that the first is an older one.
        var before = _peer.Now;
        await _peer.LoseAsync(Host("second"));
        await _peer.ChangeAsync();
        await ShowsAsync("kernel", "second");
        var last = await _peer.SendsAsync(OwnUpdate, message => message.Value<long>("seq") == 0, before);
        Assert.That(last.Value<string>("stream"), Is.Not.EqualTo(old.Value<string>("stream")));
        before = _peer.Now;

        foreach (var late in new[] { old, last })
        {
            var forged = (JObject)late.DeepClone();
            forged["changes"] = new JArray { Gone("host_instance", new[] { _host, instance.Uuid }) };
            await _peer.SendAsync(forged);
        }

        await _peer.ChangeAsync(Host("third"));
        await ShowsAsync("kernel", "third");
        Assert.That(RunningInstance.Status(await instance.GetAsync()), Is.EqualTo("running"));
        Assert.That(_peer.Messages("received", Resync, before), Is.Empty, "what is late is no gap");
    }

    [Test]
    public async Task A_host_cannot_speak_of_another()
    {
        await JoinAsync();
        var before = await _platform.HostIsPresentAsync();

        await _peer.ChangeAsync(Host("forged", _platform.Host), Host("own"));
        await ShowsAsync("kernel", "own");
        await _peer.ChangeAsync(Gone("host", _platform.Host), Host("own again"));
        await ShowsAsync("kernel", "own again");

        var after = await _platform.Alicorn.GetAsync($"/host/{_platform.Host}");
        Assert.That(after.SelectToken("current.kernel")?.Value<string>(), Is.EqualTo(before.SelectToken("current.kernel")?.Value<string>()));
        Assert.That(after.SelectToken("current.status")?.Value<string>(), Is.EqualTo("present"));
    }

    [Test]
    public async Task Each_repeated_request_names_a_new_stream_and_nothing_counts_before_its_snapshot()
    {
        await DeclareAsync();
        _peer = Start(bare: false);
        // It tells nothing by itself before it is given rows, so that the requests stay without an answer.
        var update = new { @event = OwnUpdate, uuid = _host, incarnation = "one", seq = 1, changes = new[] { Host("early") } };
        await Eventually.SeesAsync(
            "a first request",
            async _ =>
            {
                await _peer.SendAsync(update);
                return _peer.Messages("received", Resync).Count;
            },
            requests => requests > 0);
        var first = Stream(_peer.Messages("received", Resync)[0]);

        var second = Stream(await _peer.ReceivesAsync(Resync, message => Stream(message) != first));

        Assert.That(second.Prefix, Is.EqualTo(first.Prefix));
        Assert.That(second.Counter, Is.GreaterThan(first.Counter));
        var row = await _platform.Alicorn.GetAsync($"/host/{_host}");
        Assert.That(row.SelectToken("current.kernel")?.Value<string>(), Is.Null);
    }

    [Test]
    public async Task A_request_that_is_not_newer_is_not_answered()
    {
        await JoinAsync();
        await _peer.HoldsAsync("its own row", copy => copy["host"].Any());

        var request = await _peer.SendsAsync("twilight-resync");
        var before = _peer.Now;

        await _peer.SendAsync(request);
        await _peer.AskAsync();

        var next = await _peer.SendsAsync("twilight-resync", message => Stream(message).Counter > Stream(request).Counter, before);
        await _peer.ReceivesAsync(Update, message => message.Value<string>("stream") == next.Value<string>("stream"), before);
        var answers = _peer.Messages("received", Update, before).Where(message => message.Value<long>("seq") == 0).ToList();
        Assert.That(answers.Select(Stream), Is.EqualTo(new[] { Stream(next) }));
    }

    private static bool Has(ILookup<string, JObject> copy, Guid instance) =>
        copy["instance"].Any(row => row.Value<string>("uuid") == instance.ToString())
        && copy["host_instance"].Any(row => row.Value<string>("instance") == instance.ToString());

    private static JArray Gone(string table, object key) => PythonPeer.Change(table, key, "current", null);

    private static (string Prefix, long Counter) Stream(JObject message)
    {
        var parts = message.Value<string>("stream")!.Split(':');
        return (parts[0], long.Parse(parts[1]));
    }

    private JArray Host(string kernel, Guid? host = null) => PythonPeer.Change(
        "host", host ?? _host, "current",
        new
        {
            uuid = host ?? _host,
            agent_version = "0",
            boot_id = "boot",
            kernel,
            cpu_model = "a processor",
            cpu_threads = 6,
            memory_total = 4096,
            memory_free = 4000,
            hypervisor = "QEMU 1",
            accelerator = "tcg",
        });

    private JArray Place(Guid instance, string status) => PythonPeer.Change(
        "host_instance", new[] { _host, instance }, "current", new { host = _host, instance, status, vcpu = 1, mem = 16 });

    private string KeyFile => _directory[$"{_host}.key"];

    private async Task DeclareAsync()
    {
        _host = Guid.NewGuid();
        var key = CurveKeyFile.ReadOrMake(KeyFile).PublicKey;
        await _platform.Alicorn.PostAsync("/host", new { desired = new { uuid = _host, name = $"peer-{_host:N}", agent_key = key } });
    }

    private PythonPeer Start(bool bare) => PythonPeer.Start(
        "twilight.py",
        [
            "--endpoint", $"tcp://127.0.0.1:{_platform.MessagingPort}", "--keep-alive", "2", "--uuid", _host.ToString(),
            "--key-file", KeyFile, "--server-key", _platform.SparkleKey,
            .. bare ? new[] { "--bare" } : [],
        ]);

    private async Task JoinAsync(bool bare = false)
    {
        await DeclareAsync();
        _peer = Start(bare);
        await _peer.ChangeAsync(Host("first"));
        await ShowsAsync("kernel", "first");
    }

    private Task<JObject> ShowsAsync(string column, string value) => Eventually.SeesAsync(
        $"{column} to be {value}",
        _ => _platform.Alicorn.GetAsync($"/host/{_host}"),
        row => row.SelectToken("current." + column)?.Value<string>() == value);

    private Task EvacuateAsync(Guid host) => _platform.Alicorn.ReplaceAsync($"/host/{host}", "state", "evacuated");
}
