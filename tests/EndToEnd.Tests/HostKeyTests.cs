using System.Net;
using System.Security.Cryptography;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.Shared.Messaging;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>Further machines want to be hosts: who may, an operator says, by key or by token.</summary>
public sealed class HostKeyTests : PlatformFixture
{
    private readonly TemporaryDirectory _directory = new("machines");
    private readonly List<ChildProcess> _machines = [];

    [TearDown]
    public async Task EndMachinesAsync()
    {
        foreach (var machine in _machines)
            await machine.DisposeAsync();
        _machines.Clear();
    }

    [OneTimeTearDown]
    public void RemoveDirectory() => _directory.Dispose();

    [Test]
    public async Task A_machine_is_a_candidate_until_an_operator_takes_its_key_and_gets_nothing_once_it_is_taken_back()
    {
        var uuid = Guid.NewGuid();
        var (machine, key) = await StartAsync(uuid);
        var candidate = await CandidateAsync(uuid, "undeclared");
        Assert.That(candidate.Value<string>("agent_key"), Is.EqualTo(key));
        Assert.That(candidate.SelectToken("inventory.cpu_threads")?.Value<int>(), Is.GreaterThan(0));
        await machine.WaitForLineAsync(
            "the fingerprint that the operator sees",
            line => line.Contains("undeclared", StringComparison.Ordinal) && line.Contains(KeyFingerprint.Of(key), StringComparison.Ordinal));

        await Running.Alicorn.PostAsync("/host", new { desired = new { uuid, name = "accepted", agent_key = candidate.Value<string>("agent_key") } });
        await StatusAsync(uuid, "present");
        Assert.That(await CandidatesAsync(uuid), Is.Empty);

        await Running.Alicorn.SendAsync(
            HttpMethod.Patch, $"/host/{uuid}", new[] { new { op = "remove", path = "/desired/agent_key" } }, ApiClient.JsonPatch);
        await CandidateAsync(uuid, "without-key");
        await StatusAsync(uuid, "unreachable");
    }

    [Test]
    public async Task A_token_makes_one_machine_a_host_and_no_other()
    {
        var token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(token)));
        await File.WriteAllTextAsync(_directory["token"], token + "\n");
        var expires = $"{DateTimeOffset.UtcNow.AddHours(1):yyyy-MM-ddTHH:mm:ss}Z";
        await Running.Alicorn.PostAsync("/enrolment", new { desired = new { hash, name = "enrolled", expires } });

        var first = Guid.NewGuid();
        var (_, key) = await StartAsync(first, _directory["token"]);
        await StatusAsync(first, "present");
        var host = await Running.Alicorn.GetAsync($"/host/{first}");
        Assert.That(host.SelectToken("desired.name")?.Value<string>(), Is.EqualTo("enrolled"));
        Assert.That(host.SelectToken("desired.agent_key")?.Value<string>(), Is.EqualTo(key));
        var used = await Running.Alicorn.SendAsync(HttpMethod.Get, $"/enrolment/{hash}");
        Assert.That(used.Status, Is.EqualTo(HttpStatusCode.NotFound));

        var second = Guid.NewGuid();
        await StartAsync(second, _directory["token"]);
        await CandidateAsync(second, "undeclared");
        await Running.Sparkle.WaitForLineAsync("the word on the token", line => line.Contains("nobody knows it", StringComparison.Ordinal));
        Assert.That(
            Running.Sparkle.Lines.Concat(_machines.SelectMany(machine => machine.Lines)),
            Has.None.Contains(token));
    }

    [Test]
    public async Task A_machine_that_claims_to_be_a_host_with_another_key_is_refused_and_is_an_event()
    {
        await StartAsync(Running.Host);
        await CandidateAsync(Running.Host, "other-key");
        await Eventually.SeesAsync(
            "the event", _ => Running.Alicorn.GetAsync($"/host/{Running.Host}/event"),
            events => events.Properties().Any(row => row.Value.SelectToken("desired.type")?.Value<string>() == "host-impersonated"));
        await Running.HostIsPresentAsync();
    }

    /// <summary>Starts a further Twilight, over a hypervisor that does nothing.</summary>
    private async Task<(ChildProcess Machine, string Key)> StartAsync(Guid uuid, string? tokenFile = null)
    {
        var name = $"machine{_machines.Count}-{uuid}";
        await File.WriteAllTextAsync(_directory[$"{name}.json"], JsonConvert.SerializeObject(new
        {
            uuid = uuid.ToString(),
            messaging = new
            {
                endpoint = $"tcp://127.0.0.1:{Running.MessagingPort}",
                server_key = Running.SparkleKey,
                key_file = _directory[$"{name}.key"],
                keep_alive = "2",
            },
            enrolment_token_file = tokenFile,
            hypervisor = new { uri = "test:///default", accelerator = "tcg" },
            console_directory = _directory[$"{name}.console"],
            storage = new { staging_directory = _directory[$"{name}.storage"] },
        }));
        var key = await ChildProcess.RunDaemonAsync("Twilight", "twilight", ["key", "--config", _directory[$"{name}.json"]]);
        var machine = ChildProcess.StartDaemon("Twilight", "twilight", ["--config", _directory[$"{name}.json"]]);
        _machines.Add(machine);
        return (machine, key);
    }

    private async Task<IReadOnlyList<JToken>> CandidatesAsync(Guid uuid) =>
    [
        .. (await Running.Alicorn.GetAsync("/host-candidate")).Properties()
            .Select(row => row.Value["current"]!)
            .Where(candidate => candidate.Value<string>("uuid") == uuid.ToString()),
    ];

    private async Task<JToken> CandidateAsync(Guid uuid, string why) => (await Eventually.SeesAsync(
        $"{uuid} to be a candidate, {why}", _ => CandidatesAsync(uuid), rows => rows.Any(row => row.Value<string>("why") == why))).Single();

    private Task<JObject> StatusAsync(Guid uuid, string status) => Eventually.SeesAsync(
        $"host {uuid} to be {status}",
        async _ =>
        {
            var answer = await Running.Alicorn.SendAsync(HttpMethod.Get, $"/host/{uuid}");
            return answer.Status == HttpStatusCode.OK ? answer.Body : [];
        },
        row => row.SelectToken("current.status")?.Value<string>() == status);
}
