using NUnit.Framework;
using PonyCloud.Machine.Network;

namespace PonyCloud.Machine.Tests;

/// <summary>Bonds, VLANs and filters of bridges of a real kernel, on real network cards.</summary>
public sealed class NetworkTests() : MachineFixture(disks: [], cards: MachineCards.All)
{
    [TestCaseSource(typeof(MachineFixture), nameof(In), new object[] { "Network" })]
    public Task Inside(string test) => RunAsync(test);
}
