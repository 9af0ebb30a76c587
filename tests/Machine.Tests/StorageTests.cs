using NUnit.Framework;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Tests;

/// <summary>Volumes on device-mapper, LVM, NFS and iSCSI of a real kernel.</summary>
public sealed class StorageTests() : MachineFixture(
    new MachineDisk("disk1", 512), new MachineDisk("disk2", 512), new MachineDisk("disk3", 512), new MachineDisk("disk4", 512))
{
    [TestCaseSource(typeof(MachineFixture), nameof(In), new object[] { "Storage" })]
    public Task Inside(string test) => RunAsync(test);
}
