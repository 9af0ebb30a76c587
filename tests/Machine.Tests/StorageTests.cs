using NUnit.Framework;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Tests;

/// <summary>Volumes on device-mapper, LVM, NFS and iSCSI of a real kernel.</summary>
public sealed class StorageTests() : MachineFixture(
    disks: [.. Enumerable.Range(1, 4).Select(number => new MachineDisk($"disk{number}", 512))], cards: [])
{
    [TestCaseSource(typeof(MachineFixture), nameof(In), new object[] { "Storage" })]
    public Task Inside(string test) => RunAsync(test);
}
