using System.Net;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>The database is where orders are kept, not what keeps instances alive.</summary>
public sealed class DatabaseTests : PlatformFixture
{
    private RunningInstance _instance = null!;

    [SetUp]
    public async Task RunAnInstanceAsync()
    {
        _instance = await Running.CreateAsync();
        await _instance.RunsAsync();
    }

    [Test]
    public async Task A_row_changed_with_psql_reaches_the_host()
    {
        await Running.PsqlAsync($"UPDATE instance SET state = 'stopped' WHERE uuid = '{_instance.Uuid}';");
        await _instance.IsAsync("stopped");
        Assert.That(_instance.GuestPid, Is.Null);

        await Running.PsqlAsync($"DELETE FROM instance WHERE uuid = '{_instance.Uuid}';");
        await _instance.HasNoDomainAsync();
        Assert.That(await _instance.IsShownAsync(), Is.False);
    }

    [Test]
    public async Task An_instance_inserted_with_psql_runs()
    {
        var uuid = Guid.NewGuid();
        await Running.PsqlAsync(
            $"INSERT INTO instance (uuid, tenant, name, state, mem) VALUES ('{uuid}', '{Running.Tenant}', 'by-hand-{uuid:N}', 'running', 16);");

        var instance = new RunningInstance(Running, uuid);
        // Nobody waits for a commit of psql: it shows a moment later.
        await Eventually.SeesAsync("the instance to be shown", _ => instance.IsShownAsync(), shown => shown);
        await instance.RunsAsync();
    }

    [Test]
    public async Task Without_the_database_reads_go_on_and_writes_are_refused_at_once_and_changes_made_meanwhile_arrive()
    {
        var pid = _instance.GuestPid;
        await Running.Postgres.KillAsync();

        Assert.That((await _instance.GetAsync()).SelectToken("current.status")?.ToString(), Is.EqualTo("running"));
        Assert.That(await Running.Alicorn.GetAsync("/host"), Is.Not.Empty);
        var refused = await Running.Owner.TryReplaceAsync(_instance.Path, "vcpu", 2);
        Assert.That(refused.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), refused.ToString());
        // Once, among refusals, is enough: that one waits for nothing, however busy the machine is otherwise.
        await Eventually.SeesAsync(
            "a refusal within a second",
            _ => Running.Owner.TryReplaceAsync(_instance.Path, "vcpu", 2),
            answer => answer.Status == HttpStatusCode.ServiceUnavailable && answer.Took < TimeSpan.FromSeconds(1));
        Assert.That(_instance.GuestPid, Is.EqualTo(pid));

        // Sparkle holds its breath, so that the change is made before it sees the database again.
        await Running.Sparkle.SignalAsync(ProcessSignal.Stop);
        await Running.Postgres.StartAsync();
        await Running.PsqlAsync($"UPDATE instance SET state = 'stopped' WHERE uuid = '{_instance.Uuid}';");
        Assert.That(_instance.GuestPid, Is.EqualTo(pid));
        await Running.Sparkle.SignalAsync(ProcessSignal.Continue);

        await _instance.IsAsync("stopped");
        Assert.That(_instance.GuestPid, Is.Null);
        // And writes are taken again.
        await Eventually.SeesAsync(
            "a write to be taken", _ => Running.Owner.TryReplaceAsync(_instance.Path, "vcpu", 2), answer => (int)answer.Status is >= 200 and < 300);
        await _instance.DeleteAsync();
        await _instance.HasNoDomainAsync();
    }
}
