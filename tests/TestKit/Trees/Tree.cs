using FsCheck;
using FsCheck.Fluent;

namespace PonyCloud.TestKit.Trees;

/// <summary>How a tree is sent.</summary>
public enum TreeWay
{
    Posts,
    NestedPatch,
    FlatPatch,
    MergePatch,
}

/// <summary>A network card.</summary>
/// <param name="Switch">Which switch of the household.</param>
/// <param name="Addresses">For each of its addresses, which network of the switch, and whether the address is given.</param>
public sealed record TreeCard(int Switch, int? Mbit, (int Network, bool IsGiven)[] Addresses);

/// <param name="Profile">Which of the new processor profiles it uses; null for none.</param>
public sealed record TreeMachine(long Mem, int? Vcpu, string? State, int? Profile, TreeCard[] Cards);

public sealed record TreeNetwork(bool HasGateway, bool Dhcp, int Routes);

/// <param name="Pool">Which of the new storage pools.</param>
/// <param name="Machine">The machine that has it as a disk; null for none.</param>
public sealed record TreeVolume(long Size, int Pool, int? Machine, string? Bus);

/// <summary>A tenant with what is its own.</summary>
/// <param name="Members">The role of each of the users; null for none.</param>
public sealed record Household(TreeMachine[] Machines, TreeNetwork[][] Switches, TreeVolume[] Volumes, string?[] Members);

/// <summary>Rows of many kinds that refer to each other, as they are meant, and all of them valid.</summary>
/// <param name="Settings">The JSON of each value.</param>
public sealed record Tree(TreeWay Way, int Profiles, int Pools, Household[] Tenants, string[] Settings)
{
    /// <param name="users">How many users there are that may be members.</param>
    public static Arbitrary<Tree> Any(int users) => Arb.From(
        from way in Gen.Elements(Enum.GetValues<TreeWay>())
        from profiles in Gen.Choose(0, 2)
        from pools in Gen.Choose(1, 2)
        from tenants in Some(2, AnyHousehold(profiles, pools, users))
        from settings in Gen.ArrayOf(Gen.Elements("1", "\"text\"", "[1,{\"a\":[]}]", "{\"a\":{\"b\":1.5}}", "{}", "false"), 3)
        select new Tree(way, profiles, pools, tenants, settings));

    private static Gen<Household> AnyHousehold(int profiles, int pools, int users) =>
        from switches in Some(2, Some(2, AnyNetwork))
        from machines in Some(3, AnyMachine(profiles, switches))
        from volumes in Some(3, AnyVolume(pools, machines.Length))
        from members in Gen.ArrayOf(Gen.Elements<string?>(null, "owner", "admin", "operator"), users)
        select new Household(machines, switches, volumes, members);

    private static Gen<TreeNetwork> AnyNetwork =>
        from gateway in Gen.Elements(true, false)
        from dhcp in Gen.Elements(true, false)
        from routes in Gen.Choose(0, 2)
        select new TreeNetwork(gateway, dhcp, routes);

    private static Gen<TreeMachine> AnyMachine(int profiles, TreeNetwork[][] switches) =>
        from mem in Gen.Choose(16, 4096)
        from vcpu in Gen.Elements<int?>(null, 1, 2, 512)
        from state in Gen.Elements<string?>(null, "running", "paused", "stopped")
        from profile in Gen.Choose(-1, profiles - 1)
        from cards in switches.Length == 0 ? Gen.Constant<TreeCard[]>([]) : Some(2, AnyCard(switches))
        select new TreeMachine(mem, vcpu, state, profile < 0 ? null : profile, cards);

    private static Gen<TreeCard> AnyCard(TreeNetwork[][] switches) =>
        from number in Gen.Choose(0, switches.Length - 1)
        from mbit in Gen.Elements<int?>(null, 100)
        from addresses in switches[number].Length == 0
            ? Gen.Constant<(int, bool)[]>([])
            : Some(2, from network in Gen.Choose(0, switches[number].Length - 1) from isGiven in Gen.Elements(true, false) select (network, isGiven))
        select new TreeCard(number, mbit, addresses);

    private static Gen<TreeVolume> AnyVolume(int pools, int machines) =>
        from size in Gen.Choose(1, 4096)
        from pool in Gen.Choose(0, pools - 1)
        from machine in Gen.Choose(-1, machines - 1)
        from bus in Gen.Elements<string?>(null, "virtio", "scsi")
        select new TreeVolume(size, pool, machine < 0 ? null : machine, bus);

    private static Gen<T[]> Some<T>(int most, Gen<T> each) =>
        from count in Gen.Choose(0, most)
        from items in Gen.ArrayOf(each, count)
        select items;
}
