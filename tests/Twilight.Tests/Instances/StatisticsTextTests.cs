using NUnit.Framework;
using PonyCloud.Twilight.Hypervisor;
using PonyCloud.Twilight.Instances;

namespace PonyCloud.Twilight.Tests.Instances;

public sealed class StatisticsTextTests
{
    private static readonly Guid One = Guid.Parse("00000000-0000-0000-0000-000000000001");

    [Test]
    public void What_instances_have_used_is_told_by_instance_and_of_no_other_domain()
    {
        var text = StatisticsText.Of(
        [
            new DomainStatistics
            {
                Uuid = One,
                Name = DomainXml.NameOf(One),
                ProcessorTime = TimeSpan.FromSeconds(1.5),
                Memory = 512 << 20,
                DiskWritten = new Traffic(4096, 2),
                NetworkSent = new Traffic(1500, 1),
            },
            new DomainStatistics { Uuid = Guid.NewGuid(), Name = "foreign" },
        ]);

        Assert.That(text, Does.Contain("# TYPE ponycloud_instance_cpu_seconds counter\n"));
        Assert.That(text, Does.Contain($"ponycloud_instance_cpu_seconds_total{{instance=\"{One}\"}} 1.5\n"));
        Assert.That(text, Does.Contain($"ponycloud_instance_memory_bytes{{instance=\"{One}\"}} 536870912\n"));
        Assert.That(text, Does.Contain($"ponycloud_instance_disk_written_requests_total{{instance=\"{One}\"}} 2\n"));
        Assert.That(text, Does.Contain($"ponycloud_instance_network_sent_bytes_total{{instance=\"{One}\"}} 1500\n"));
        Assert.That(text, Does.EndWith("# EOF\n"));
        Assert.That(text.Split('\n').Count(line => line.Contains("instance=\"", StringComparison.Ordinal)), Is.EqualTo(11));
    }

    [Test]
    public void A_host_without_instances_tells_nothing_in_the_right_form() =>
        Assert.That(StatisticsText.Of([]), Does.StartWith("# TYPE ").And.EndsWith("# EOF\n").And.Not.Contain("instance=\""));
}
