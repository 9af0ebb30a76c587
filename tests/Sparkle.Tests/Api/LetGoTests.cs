using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>What is taken while the database is away, and what is not.</summary>
public sealed class LetGoTests : ApiFixture, IEventSink
{
    private const string Stop = """[{"op":"replace","path":"/desired/state","value":"stopped"}]""";
    private const string Run = """[{"op":"replace","path":"/desired/state","value":"running"}]""";
    private const string Evacuate = """[{"op":"replace","path":"/desired/state","value":"evacuated"}]""";
    private const string GiveUp = """[{"op":"replace","path":"/desired/state","value":"gone"}]""";

    private static readonly RowKey InstanceKey = RowKey.Of(InstanceA);

    private static string Instances => $"/api/v1/tenant/{TenantA}/instance";

    private LetGoDesk Desk => Service<LetGoDesk>();

    private InstanceState State => ((InstanceDesired)Database.Snapshot![Database.Catalog["instance"]].Find(InstanceKey)!.Desired!).State;

    private HostState StateOfHost => ((HostDesired)Database.Snapshot![Database.Catalog["host"]].Find(RowKey.Of(Host))!.Desired!).State;

    void IEventSink.Record(PlatformEvent platformEvent) => Assert.Fail($"Nothing is to be reported: {platformEvent}");

    protected override void AddServices(IServiceCollection services)
    {
        services.AddSingleton(_ => OutageRegistration.OpenDesk(
            new LetGoOptions { Directory = DataDirectory }, Database.Catalog, Database, Database, this, TimeProvider.System,
            NullLogger<LetGoDesk>.Instance));
        services.AddSingleton<ILetGoDesk>(provider => provider.GetRequiredService<LetGoDesk>());
    }

    [SetUp]
    public async Task TakeTheDatabaseAwayAsync()
    {
        await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Run);
        Database.Database = new DatabaseLink(false, DateTimeOffset.UnixEpoch, "away");
    }

    [Test]
    public async Task A_stop_is_journaled_and_every_reader_sees_it()
    {
        var answer = await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Stop);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted), answer.ToString());
        Assert.That(answer.Text, Does.Contain($"\"journaled\":\"{answer.Headers.GetValues("PonyCloud-Journaled").Single()}\""));
        Assert.That((string)answer.Json.SelectToken("orders[0].table")!, Is.EqualTo("instance"));
        var read = await GetAsync($"{Instances}/{InstanceA}", Token(Operator, TenantA));
        Assert.That((string)read.Json.SelectToken("desired.state")!, Is.EqualTo("stopped"));
        var order = (await Desk.WaitingAsync(CancellationToken.None)).Single();
        Assert.That((order.User, order.Tenant, order.Key), Is.EqualTo((Owner, TenantA.ToString(), InstanceKey)));
        Assert.That(order.Basis, Is.EqualTo(((InstanceDesired)order.Record) with { State = InstanceState.Running }));
    }

    [TestCase("""[{"op":"replace","path":"/desired/vcpu","value":2}]""")]
    [TestCase("""[{"op":"replace","path":"/desired/state","value":"paused"}]""")]
    [TestCase("""[{"op":"replace","path":"/desired/state","value":"stopped"},{"op":"replace","path":"/desired/vcpu","value":2}]""")]
    public async Task What_does_not_only_let_go_waits_for_the_database(string patch)
    {
        var answer = await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), patch);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), answer.ToString());
        Assert.That(answer.Headers.RetryAfter, Is.Not.Null);
        Assert.That(State, Is.EqualTo(InstanceState.Running));
        Assert.That(await Desk.WaitingAsync(CancellationToken.None), Is.Empty);
    }

    [Test]
    public async Task Rows_are_neither_made_nor_removed()
    {
        var made = await PostAsync(Instances, Token(Owner, TenantA), """{"desired":{"name":"new","mem":64}}""");
        var removed = await DeleteAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA));
        var both = await PatchAsync(Instances, Token(Owner, TenantA), $$"""[{"op":"remove","path":"/{{InstanceA}}"}]""");

        Assert.That(new[] { made.Status, removed.Status, both.Status }, Is.All.EqualTo(HttpStatusCode.ServiceUnavailable));
    }

    [Test]
    public async Task Who_may_not_order_it_may_not_order_it_now()
    {
        var asOperator = await PatchAsync($"{Instances}/{InstanceA}", Token(Operator, TenantA), Stop);
        var asStranger = await PatchAsync($"{Instances}/{InstanceA}", Token(Stranger, TenantB), Stop);
        var onHost = await PatchAsync($"/api/v1/host/{Host}", Token(Owner, TenantA), Evacuate);
        var foreign = await PatchAsync($"/api/v1/tenant/{TenantB}/instance/{InstanceB}", Token(Owner, TenantA), Stop);

        Assert.That(
            new[] { asOperator.Status, asStranger.Status, onHost.Status, foreign.Status },
            Is.EqualTo(new[] { HttpStatusCode.Forbidden, HttpStatusCode.NotFound, HttpStatusCode.Forbidden, HttpStatusCode.NotFound }));
        Assert.That(State, Is.EqualTo(InstanceState.Running));
    }

    [Test]
    public async Task What_is_wrong_is_said_as_on_every_other_day()
    {
        var answer = await PatchAsync(
            $"{Instances}/{InstanceA}", Token(Owner, TenantA), """[{"op":"test","path":"/desired/name","value":"mail"},{"op":"replace","path":"/desired/state","value":"stopped"}]""");

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Conflict), answer.ToString());
        Assert.That(answer.ProblemType, Does.EndWith("test-failed"));
    }

    [Test]
    public async Task A_patch_of_a_collection_is_taken_only_if_every_change_in_it_lets_go()
    {
        var second = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000003");
        Database.Put(new InstanceDesired { Uuid = second, Tenant = TenantA, Name = "mail", Mem = 64, State = InstanceState.Paused });

        var mixed = await PatchAsync(Instances, Token(Owner, TenantA), $$"""
            [{"op":"replace","path":"/{{InstanceA}}/desired/state","value":"stopped"},{"op":"replace","path":"/{{second}}/desired/mem","value":65}]
            """);
        Assert.That(mixed.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), mixed.ToString());
        Assert.That(State, Is.EqualTo(InstanceState.Running));

        var both = await PatchAsync(Instances, Token(Owner, TenantA), $$"""
            [{"op":"replace","path":"/{{InstanceA}}/desired/state","value":"stopped"},{"op":"replace","path":"/{{second}}/desired/state","value":"stopped"}]
            """);
        Assert.That(both.Status, Is.EqualTo(HttpStatusCode.Accepted), both.ToString());
        Assert.That(await Desk.WaitingAsync(CancellationToken.None), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_patch_of_the_root_is_taken_only_if_every_change_in_it_lets_go()
    {
        var stop = $$"""{"op":"replace","path":"/tenant/{{TenantA}}/instance/{{InstanceA}}/desired/state","value":"stopped"}""";
        var evacuate = $$"""{"op":"replace","path":"/host/{{Host}}/desired/state","value":"evacuated"}""";

        var mixed = await PatchAsync("/api/v1", Token(Alicorn), $$"""[{{stop}},{"op":"replace","path":"/host/{{Host}}/desired/name","value":"x"}]""");
        Assert.That(mixed.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), mixed.ToString());
        Assert.That(await Desk.WaitingAsync(CancellationToken.None), Is.Empty);

        var both = await PatchAsync("/api/v1", Token(Alicorn), $"[{stop},{evacuate}]");
        Assert.That(both.Status, Is.EqualTo(HttpStatusCode.Accepted), both.ToString());
        Assert.That(both.Json["orders"]!.Select(order => (string)order["table"]!), Is.EquivalentTo(new[] { "instance", "host" }));
        Assert.That((State, StateOfHost), Is.EqualTo((InstanceState.Stopped, HostState.Evacuated)));
    }

    [TestCase("""{"desired":{"state":"stopped"}}""", HttpStatusCode.Accepted)]
    [TestCase("""{"desired":{"state":"stopped","vcpu":2}}""", HttpStatusCode.ServiceUnavailable)]
    public async Task A_merge_patch_is_taken_as_any_other(string patch, HttpStatusCode status)
    {
        var answer = await SendAsync(HttpMethod.Patch, $"{Instances}/{InstanceA}", Token(Owner, TenantA), patch, "application/merge-patch+json");

        Assert.That(answer.Status, Is.EqualTo(status), answer.ToString());
        Assert.That(State, Is.EqualTo(status == HttpStatusCode.Accepted ? InstanceState.Stopped : InstanceState.Running));
    }

    [Test]
    public async Task A_request_with_a_key_is_carried_out_once_during_the_outage_and_after_it()
    {
        Task<Answer> StopAsync(string patch = Stop) => SendAsync(
            HttpMethod.Patch, $"{Instances}/{InstanceA}", Token(Owner, TenantA), patch, "application/json-patch+json", ("Idempotency-Key", "k"));
        var first = await StopAsync();
        Assert.That(first.Status, Is.EqualTo(HttpStatusCode.Accepted), first.ToString());
        Assert.That((await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Run)).Status, Is.EqualTo(HttpStatusCode.Accepted));

        var again = await StopAsync();
        var other = await StopAsync(Evacuate);

        Assert.That(again.ToString(), Is.EqualTo(first.ToString()));
        Assert.That(again.Headers.GetValues("PonyCloud-Journaled"), Is.EqualTo(first.Headers.GetValues("PonyCloud-Journaled")));
        Assert.That(other.ProblemType, Does.EndWith("key-reused"));
        Assert.That(State, Is.EqualTo(InstanceState.Running), "It was withdrawn, and stays so.");

        // The database is back, and told of the request.
        Database.Database = new DatabaseLink(true, DateTimeOffset.UnixEpoch);
        var request = (await Desk.RequestsAsync(CancellationToken.None)).Single();
        await Database.WriteAsync([], request.Key, request.Answer, CancellationToken.None);
        await Desk.FinishAsync(request, CancellationToken.None);
        Assert.That((await StopAsync()).ToString(), Is.EqualTo(first.ToString()));
        Assert.That(State, Is.EqualTo(InstanceState.Running));
    }

    [Test]
    public async Task A_host_can_be_let_go_further_and_not_back()
    {
        var token = Token(Alicorn);
        Assert.That((await PatchAsync($"/api/v1/host/{Host}", token, Evacuate)).Status, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await PatchAsync($"/api/v1/host/{Host}", token, GiveUp)).Status, Is.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await PatchAsync($"/api/v1/host/{Host}", token, Evacuate)).Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable));

        Assert.That(StateOfHost, Is.EqualTo(HostState.Gone));
        var order = (await Desk.WaitingAsync(CancellationToken.None)).Single();
        Assert.That((((HostDesired)order.Basis).State, ((HostDesired)order.Record).State), Is.EqualTo((HostState.Present, HostState.Gone)));
    }

    [Test]
    public async Task An_order_that_nobody_began_to_write_can_be_withdrawn()
    {
        await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Stop);

        var answer = await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Run);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Accepted), answer.ToString());
        Assert.That((bool)answer.Json.SelectToken("orders[0].withdrawn")!, Is.True);
        Assert.That(State, Is.EqualTo(InstanceState.Running));
        Assert.That(await Desk.WaitingAsync(CancellationToken.None), Is.Empty);
    }

    [Test]
    public async Task An_order_that_may_stand_in_the_database_cannot_be_withdrawn()
    {
        await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Stop);
        await Desk.BeginAsync((await Desk.WaitingAsync(CancellationToken.None)).Single(), CancellationToken.None);

        var answer = await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Run);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), answer.ToString());
        Assert.That(State, Is.EqualTo(InstanceState.Stopped));
    }

    [Test]
    public async Task A_server_that_hangs_unnoticed_is_an_outage_as_well()
    {
        Database.Database = new DatabaseLink(true, DateTimeOffset.UnixEpoch);
        Database.FailNext(new DatabaseUnavailableException("no answer"));
        Assert.That((await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Stop)).Status, Is.EqualTo(HttpStatusCode.Accepted));
        Database.FailNext(new UnconfirmedCommitException("no answer to the commit"));
        Assert.That((await PatchAsync($"/api/v1/host/{Host}", Token(Alicorn), Evacuate)).Status, Is.EqualTo(HttpStatusCode.Accepted));
        Database.FailNext(new UnconfirmedCommitException("no answer to the commit"));
        Assert.That(
            (await PatchAsync($"/api/v1/host/{Host}", Token(Alicorn), """[{"op":"replace","path":"/desired/name","value":"x"}]""")).Status,
            Is.EqualTo(HttpStatusCode.GatewayTimeout));

        var waiting = await Desk.WaitingAsync(CancellationToken.None);
        Assert.That(waiting.ToDictionary(order => order.Entity.Name, order => order.MayStand), Is.EqualTo(new Dictionary<string, bool>
        {
            ["instance"] = false,
            ["host"] = true,
        }));
    }

    [Test]
    public async Task A_controller_that_was_superseded_takes_none()
    {
        Database.ActiveEpoch = null;

        var answer = await PatchAsync($"{Instances}/{InstanceA}", Token(Owner, TenantA), Stop);

        Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.ServiceUnavailable), answer.ToString());
        Assert.That(State, Is.EqualTo(InstanceState.Running));
    }

    [Test]
    public async Task Many_at_once_are_all_taken()
    {
        var uuids = Enumerable.Range(0, 50).Select(_ => Guid.NewGuid()).ToArray();
        Database.Put([.. uuids.Select(uuid => new InstanceDesired { Uuid = uuid, Tenant = TenantA, Name = $"{uuid:N}", Mem = 64, State = InstanceState.Running })]);

        var answers = await Task.WhenAll(uuids.Select(uuid => PatchAsync($"{Instances}/{uuid}", Token(Owner, TenantA), Stop)));

        Assert.That(answers.Select(answer => answer.Status), Is.All.EqualTo(HttpStatusCode.Accepted));
        Assert.That((await Desk.WaitingAsync(CancellationToken.None)).Select(order => order.Key.Text), Is.EquivalentTo(uuids.Select(uuid => uuid.ToString())));
    }
}
