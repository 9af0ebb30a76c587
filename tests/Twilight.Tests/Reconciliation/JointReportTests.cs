using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Reconciliation;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Tests.Reconciliation;

public sealed class JointReportTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Host = Guid.Parse("11111111-0000-0000-0000-000000000000");

    private readonly FakeReporter _disks = new();
    private readonly FakeReporter _cards = new();
    private JointReport _report = null!;

    [SetUp]
    public void Start() => _report = new JointReport([_disks, _cards]);

    [Test]
    public void Nothing_is_said_before_each_reporter_was_complete_once_and_then_all_at_once()
    {
        Assert.That(_report.Take(_disks, [Disk("a", 1), Disk("b", 1)]), Is.Null);
        Assert.That(_report.Take(_disks, [Disk("b", 2)]), Is.Null);

        Assert.That(_report.Take(_cards, [Card("c")]), Is.EquivalentTo([Disk("a", 1), Disk("b", 2), Card("c")]));
    }

    [Test]
    public void After_the_first_report_changes_pass()
    {
        _report.Take(_disks, [Disk("a", 1)]);
        _report.Take(_cards, []);

        Assert.That(_report.Take(_disks, [Gone("a")]), Is.EqualTo([Gone("a")]));
    }

    [Test]
    public void What_is_gone_before_the_first_report_is_not_in_it()
    {
        _report.Take(_disks, [Disk("a", 1)]);
        _report.Take(_disks, [Gone("a")]);

        Assert.That(_report.Take(_cards, []), Is.Empty);
    }

    [Test]
    public void A_reporter_without_rows_is_complete()
    {
        Assert.That(_report.Take(_cards, []), Is.Null);
        Assert.That(_report.Take(_disks, []), Is.Empty);
    }

    [Test]
    public void Two_reporters_of_one_entity_are_a_mistake_of_the_program()
    {
        _report.Take(_disks, [Disk("a", 1)]);

        Assert.That(() => _report.Take(_cards, [Disk("b", 1)]), Throws.InvalidOperationException.With.Message.Contains("host_disk"));
    }

    [Test]
    public void Of_rows_only_what_changed_is_reported()
    {
        var rows = new ReportedRows(Catalog["host_disk"]);
        Assert.That(rows.Become([Record("a", 1), Record("b", 1)]), Is.EqualTo([Disk("a", 1), Disk("b", 1)]));
        Assert.That(rows.Become([Record("b", 1), Record("a", 1)]), Is.Empty);
        Assert.That(rows.Become([Record("b", 2)]), Is.EqualTo([Disk("b", 2), Gone("a")]));
        Assert.That(() => rows.Become([Record("b", 2), Record("b", 3)]), Throws.InvalidOperationException);
    }

    private static HostDiskCurrent Record(string disk, long size) =>
        new() { Host = Host, Disk = disk, Status = StorageStatus.Ready, Size = size };

    private static RowChange Disk(string disk, long size) => RowChange.Set(Catalog["host_disk"], RowPart.Current, Record(disk, size));

    private static RowChange Gone(string disk) =>
        RowChange.Remove(Catalog["host_disk"], RowPart.Current, RowKey.Of(Host.ToString(), disk));

    private static RowChange Card(string nic) => RowChange.Set(
        Catalog["host_nic"], RowPart.Current, new HostNicCurrent { Host = Host, Nic = nic, Status = LinkStatus.Ready });
}
