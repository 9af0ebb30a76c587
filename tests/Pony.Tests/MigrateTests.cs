using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Pony.Tests;

internal sealed class MigrateTests : PonyFixture
{
    private static readonly Guid There = Guid.Parse("cccccccc-0000-4000-8000-000000000002");

    private MigrationDesired? Order => Server.Database.Snapshot![Server.Database.Catalog["migration"]].Find(ApiServer.Web)?.Desired as MigrationDesired;

    [SetUp]
    public void Declare()
    {
        LoggedIn(ApiServer.Alicorn);
        Server.Database.Put(new HostDesired { Uuid = There, Name = "there" });
    }

    [Test]
    public async Task An_instance_is_ordered_to_a_host_to_another_one_and_to_none()
    {
        var ordered = await RunAsync("migrate", "/tenant/acme/instance/web", "--to", "there");
        Assert.That((ordered.Code, ordered.Output), Is.EqualTo((ExitCode.Ok, "instance /tenant/acme/instance/web is ordered to there\n")), ordered.ToString());
        Assert.That(Order!.DestinationHost, Is.EqualTo(There));

        var again = await RunAsync("migrate", "/tenant/acme/instance/web", "--to", ApiServer.Host.ToString());
        Assert.That(again.Code, Is.EqualTo(ExitCode.Ok), again.ToString());
        Assert.That(Order!.DestinationHost, Is.EqualTo(ApiServer.Host));

        var withdrawn = await RunAsync("migrate", "/tenant/acme/instance/web", "--cancel");
        Assert.That(withdrawn.Code, Is.EqualTo(ExitCode.Ok), withdrawn.ToString());
        Assert.That(Order, Is.Null);
    }

    [Test]
    public async Task It_is_waited_for_and_how_far_it_is_is_shown()
    {
        Server.Database.Settled += changes =>
        {
            if (changes.Rows.Any(row => row.Entity.Name == "migration" && row.Before is null))
            {
                Server.Database.Report(new MigrationCurrent
                {
                    Instance = ApiServer.Web,
                    Status = MigrationStatus.Copying,
                    Progress = 50,
                });
            }
        };
        var time = new HastyTime();
        var running = RunAsync(terminal => terminal with { Time = time }, "migrate", "/tenant/acme/instance/web", "--to", "there", "--wait", "--timeout", "600");
        var outcome = await running;
        Assert.That(outcome.Code, Is.EqualTo(ExitCode.TimedOut), outcome.ToString());
        Assert.That(outcome.Error, Does.Contain("/tenant/acme/instance/web is copying, 50%").And.Contain("The order stands."));
    }

    [TestCase("migrate", "web")]
    [TestCase("migrate", "web", "--to", "there", "--cancel")]
    [TestCase("migrate", "web", "--cancel", "--wait")]
    public async Task What_contradicts_itself_is_refused(params string[] arguments) =>
        Assert.That((await RunAsync(arguments)).Code, Is.EqualTo(ExitCode.Usage));
}
