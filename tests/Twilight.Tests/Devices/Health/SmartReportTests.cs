using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Devices.Health;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Devices.Health;

/// <summary>The bits of the exit status as smartctl(8) has them, and the reports that come with them.</summary>
public sealed class SmartReportTests
{
    private const string Passed = """{"smartctl":{"exit_status":0},"smart_status":{"passed":true}}""";

    [Test]
    public void A_disk_that_says_so_is_well() => Assert.That(SmartReport.Judge(0, Passed), Is.EqualTo(new HealthReading(DiskHealth.Passed)));

    [TestCase(1 << 5, Description = "an attribute was at its threshold in the past")]
    [TestCase(1 << 6, Description = "errors in the log")]
    [TestCase(1 << 7, Description = "failed self-tests in the log")]
    [TestCase(1 << 2, Description = "some other command failed")]
    [TestCase(1 << 2 | 1 << 5 | 1 << 6 | 1 << 7)]
    public void What_was_in_the_past_does_not_make_it_fail(int status) =>
        Assert.That(SmartReport.Judge(status, Passed)!.Health, Is.EqualTo(DiskHealth.Passed));

    [Test]
    public void A_disk_that_says_that_it_fails_does() => Assert.That(
        SmartReport.Judge(1 << 3, """{"smart_status":{"passed":false}}"""),
        Is.EqualTo(new HealthReading(DiskHealth.Failing, "The disk says that it is failing.")));

    [Test]
    public void The_exit_status_alone_is_enough() => Assert.That(SmartReport.Judge(1 << 3, "{}")!.Health, Is.EqualTo(DiskHealth.Failing));

    [Test]
    public void NVMe_says_what_is_wrong() => Assert.That(
        SmartReport.Judge(1 << 3, """{"smart_status":{"passed":false,"nvme":{"value":9}}}"""),
        Is.EqualTo(new HealthReading(DiskHealth.Failing, "The disk says that it is failing: its spare space is used up, it has become read-only.")));

    [Test]
    public void An_attribute_at_its_threshold_predicts_failure_even_while_the_disk_says_that_it_is_well() => Assert.That(
        SmartReport.Judge(1 << 4, """
            {"smart_status":{"passed":true},"ata_smart_attributes":{"table":[
              {"id":1,"name":"Raw_Read_Error_Rate","when_failed":""},
              {"id":5,"name":"Reallocated_Sector_Ct","when_failed":"now"},
              {"id":9,"name":"Power_On_Hours","when_failed":"past"}]}}
            """),
        Is.EqualTo(new HealthReading(DiskHealth.Failing, "An attribute that predicts failure is at its threshold: Reallocated_Sector_Ct.")));

    [TestCase(1, """{"smartctl":{"messages":[{"string":"/dev/vda: Unable to detect device type","severity":"error"}]}}""",
        "It cannot be asked: /dev/vda: Unable to detect device type.")]
    [TestCase(2, """{"smartctl":{"messages":[{"string":"Smartctl open device: /dev/sdz failed: No such device","severity":"error"}]}}""",
        "It cannot be asked: Smartctl open device: /dev/sdz failed: No such device.")]
    [TestCase(4, "{}", "It cannot be asked.")]
    [TestCase(0, """{"smart_support":{"available":false}}""", "It does not watch its health.")]
    [TestCase(1, "Usage: smartctl", "smartctl ended with status 1 and without a report.")]
    [TestCase(0, "", "smartctl ended with status 0 and without a report.")]
    [TestCase(1, "[]", "It cannot be asked.")]
    [TestCase(1, """{"smart_status":"odd","smartctl":{"messages":["odd"]}}""", "It cannot be asked.")]
    public void Anything_else_is_unknown_and_says_why(int status, string report, string why) =>
        Assert.That(SmartReport.Judge(status, report), Is.EqualTo(new HealthReading(DiskHealth.Unknown, why)));

    [Test]
    public void A_disk_that_sleeps_says_nothing_new() => Assert.That(
        SmartReport.Judge(0, """{"smartctl":{"messages":[{"string":"Device is in STANDBY mode","severity":"information"}]}}"""), Is.Null);

    [Test]
    public async Task The_smartctl_of_this_machine_is_understood()
    {
        var probe = new SmartctlProbe(new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance), Eventually.Patience);

        var reading = await probe.ReadAsync("/dev/null", CancellationToken.None);

        Assert.That(reading, Is.EqualTo(new HealthReading(DiskHealth.Unknown, "It cannot be asked: /dev/null: Unable to detect device type.")));
    }
}
