using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.RegularExpressions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Devices;

namespace PonyCloud.Twilight.Tests.Devices;

public sealed class DiskIdTests
{
    private static readonly Regex Pattern = new(
        typeof(DiskDesired).GetProperty(nameof(DiskDesired.Id))!.GetCustomAttribute<RegularExpressionAttribute>()!.Pattern);

    [TestCase("My Disk_1/2")]
    [TestCase("My Disk_1 2")]
    [TestCase("Größe 9")]
    [TestCase("a\u00071")]
    public void An_id_fits_the_column_whatever_a_disk_says(string serial) => Assert.That(Of(serial), Does.Match(Pattern));

    [Test]
    public void A_name_that_needs_no_change_stays_as_it_is() => Assert.That(Of("WD-WCC4E_1.2:3"), Is.EqualTo("serial-WD-WCC4E_1.2:3"));

    [Test]
    public void Names_that_would_look_alike_stay_apart()
    {
        string[] names = ["My Disk_1/2", "My Disk_1 2", "My_Disk_1_2", new string('x', 300) + "1", new string('x', 300) + "2"];

        Assert.That(names.Select(Of), Is.Unique.And.All.Matches(Pattern));
        Assert.That(Of(names[0]), Is.EqualTo("serial-My_Disk_1_2.5a14d82c052f5332"), "an id must stay what it was");
        Assert.That(Of(names[3]), Has.Length.EqualTo(223));
    }

    [TestCase("0x5000c500a1b2c3d4", "wwn-0x5000c500a1b2c3d4")]
    [TestCase("0x5000C500A1B2C3D4", "wwn-0x5000c500a1b2c3d4")]
    [TestCase("eui.0025385b71b0f2a5", "wwn-eui.0025385b71b0f2a5")]
    [TestCase("nvme.1b36-6e766d65-51454d55-00000001", "wwn-nvme.1b36-6e766d65-51454d55-00000001")]
    [TestCase("0x20000004cf4cf38a", "wwn-0x20000004cf4cf38a")]
    [TestCase("0x5000000000000001", "serial-s1", Description = "NAA 5 without a company")]
    [TestCase("0x60000000000000000e00000000010001", "serial-s1", Description = "NAA 6 without a company")]
    [TestCase("0x2001000000000001", "serial-s1", Description = "NAA 2 without a company")]
    [TestCase("0x0000000000000000", "serial-s1")]
    [TestCase("eui.0000000000000000", "serial-s1")]
    public void A_WWN_counts_only_with_the_company_that_gave_it(string wwn, string id) => Assert.That(
        DiskId.Of(Device(("ID_WWN", wwn), ("ID_SERIAL", "s1"))).Text, Is.EqualTo(id));

    [TestCase("360050763808082f3c000000000000001", "wwn-0x60050763808082f3c000000000000001")]
    [TestCase("35000c500a1b2c3d4", "wwn-0x5000c500a1b2c3d4")]
    [TestCase("eui.0025385b71b0f2a5", "wwn-eui.0025385b71b0f2a5")]
    [TestCase("0QEMU_QEMU_HARDDISK_d1", "serial-0QEMU_QEMU_HARDDISK_d1")]
    public void The_name_of_a_map_gives_the_id_that_its_paths_would(string wwid, string id) =>
        Assert.That(DiskId.OfMap(wwid).Text, Is.EqualTo(id));

    private static string Of(string serial) => DiskId.Of(Device(("ID_SERIAL", serial))).Text;

    private static BlockDevice Device(params (string Name, string Value)[] properties) => new()
    {
        DevicePath = "/devices/virtual/block/vdx",
        Properties = properties.ToDictionary(property => property.Name, property => property.Value),
        Attributes = new Dictionary<string, string>(),
    };
}
