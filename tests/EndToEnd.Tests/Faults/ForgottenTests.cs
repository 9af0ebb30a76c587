using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Database;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests.Faults;

/// <summary>What a database forgot is not what somebody ordered to be removed.</summary>
public sealed class ForgottenTests : FaultFixture
{
    private const int Count = 4;

    [Test]
    public async Task Instances_that_an_older_backup_does_not_know_are_held_until_an_operator_confirms_their_removal()
    {
        var (known, knownPid) = await RunAsync();
        var backup = await PostgresServer.DumpAsync(Running.ConnectionString);
        var forgotten = await RunManyAsync();
        var pids = forgotten.Select(instance => instance.GuestPid).ToList();

        await Running.Postgres.RestoreAsync(Running.ConnectionString, backup);

        var host = await HeldAsync(Count);
        var held = host.SelectToken("current.held.instances")!.Values<string>();
        Assert.That(held, Is.EquivalentTo(forgotten.Select(instance => instance.Uuid.ToString())));
        Assert.That(host.SelectToken("current.why")?.Value<string>(), Does.Contain("confirm_removals"));
        Assert.That(forgotten.Select(instance => instance.GuestPid), Is.EqualTo(pids));
        // What is held holds nothing else up.
        await known.IsAsync("running");
        var (fresh, _) = await RunAsync();
        Assert.That(forgotten.Select(instance => instance.GuestPid), Is.EqualTo(pids));

        var token = host.SelectToken("current.held.token")!.Value<string>()!;
        var answer = await ConfirmAsync(token);
        Assert.That((int)answer.Status, Is.InRange(200, 299), answer.ToString());
        foreach (var instance in forgotten)
            await instance.HasNoDomainAsync();
        await HeldAsync(0);
        Assert.That((known.GuestPid, known.Boots), Is.EqualTo((knownPid, 1)));
        await DeleteAsync(known, fresh);
    }

    [Test]
    public async Task As_many_instances_that_are_deleted_are_removed_at_once()
    {
        var ordered = await RunManyAsync();
        var before = await EventsAsync("removal-held");

        await Running.PsqlAsync($"DELETE FROM instance WHERE uuid IN ({string.Join(", ", ordered.Select(instance => $"'{instance.Uuid}'"))});");

        foreach (var instance in ordered)
            await instance.HasNoDomainAsync();
        await HeldAsync(0);
        Assert.That(await EventsAsync("removal-held"), Is.EqualTo(before));
    }

    private async Task<RunningInstance[]> RunManyAsync()
    {
        var instances = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => Running.CreateAsync()));
        foreach (var instance in instances)
            await instance.RunsAsync();
        return instances;
    }

    private Task<JObject> HeldAsync(int count) => Eventually.SeesAsync(
        $"{count} instances to be held",
        _ => Running.Alicorn.GetAsync($"/host/{Running.Host}"),
        row => row.SelectToken("current.status")?.Value<string>() == "present"
            && (row.SelectToken("current.held.instances")?.Count() ?? 0) == count);

    // There is nothing to replace yet.
    private Task<ApiAnswer> ConfirmAsync(string token) => Running.Alicorn.SendAsync(
        HttpMethod.Patch,
        $"/host/{Running.Host}",
        new[] { new { op = "add", path = "/desired/confirm_removals", value = token } },
        ApiClient.JsonPatch);
}
