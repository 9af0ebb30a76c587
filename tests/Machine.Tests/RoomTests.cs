using NUnit.Framework;
using PonyCloud.TestKit.VirtualMachines;

namespace PonyCloud.Machine.Tests;

/// <summary>Nothing that is meant to run inside is forgotten.</summary>
public sealed class RoomTests
{
    [Test]
    public void Each_room_has_tests_and_each_test_is_in_a_room_that_is_run()
    {
        var rooms = typeof(RoomTests).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(MachineFixture)))
            .Select(type => type.Name[..^"Tests".Length])
            .Append("Samples")
            .ToList();
        var used = new InnerTests(MachineFixture.Assembly).Names.Select(name => name.Split('.')[2]).ToHashSet();
        Assert.That(used, Is.EquivalentTo(rooms));
    }
}
