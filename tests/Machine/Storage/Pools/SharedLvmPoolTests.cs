using System.Globalization;
using System.Text.Json.Nodes;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.SharedLvm;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Machine.Storage.Pools;

/// <summary>Extents on two of the machine's disks; maps stand in their place, so that they can fail.</summary>
public sealed class SharedLvmPoolTests : MachinePoolContract
{
    private const int Volumes = 12;

    private static readonly string[] Ids = ["disk-a", "disk-b"];
    private static readonly string[] Maps = ["shared-a", "shared-b"];
    private static readonly Guid PoolUuid = Guid.NewGuid();

    // The same place for each volume of a test, and another for each of them.
    private readonly Dictionary<Guid, int> _places = [];

    private static IEnumerable<string> OwnMaps => MapsAsync().Result.Where(name => name.StartsWith("ponycloud-", StringComparison.Ordinal));

    [OneTimeSetUp]
    public async Task MakeDisks()
    {
        for (var disk = 0; disk < Maps.Length; disk++)
            await ChildProcess.RunAsync("dmsetup", ["create", Maps[disk], "--table", Linear(disk)]);
    }

    [OneTimeTearDown]
    public async Task RemoveDisks()
    {
        foreach (var map in Maps)
            await ChildProcess.RunAsync("dmsetup", ["remove", "--retry", map]);
    }

    [TearDown]
    public void Forget() => _places.Clear();

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) => Task.FromResult(Open("disk-a", "disk-b"));

    protected override async Task BreakAsync()
    {
        foreach (var map in Maps)
            await ReloadAsync(map, "0 1048576 error");
    }

    protected override async Task HealAsync()
    {
        for (var disk = 0; disk < Maps.Length; disk++)
            await ReloadAsync(Maps[disk], Linear(disk));
    }

    /// <summary>Two extents, which are 32 MiB together: 10 of the first disk, 22 of the second.</summary>
    protected override StorageObject Place(StorageObject target)
    {
        if (!_places.TryGetValue(target.Name.Uuid, out var place))
            _places.Add(target.Name.Uuid, place = _places.Count % Volumes);
        return target with { Extents = [Extent(0, "disk-a", place * 40, 10), Extent(1, "disk-b", place * 40, 22)] };
    }

    [Test]
    public async Task A_volume_is_its_extents_in_their_order_and_nothing_beside_them(CancellationToken cancellationToken)
    {
        await ChildProcess.RunAsync("dd", ["if=/dev/urandom", $"of={PathOf(0)}", "bs=1M", "count=64", "oflag=direct", "status=none"]);
        var before = await SumAsync(0, 10, 30);
        var volume = await MakeAsync(NewVolume(), cancellationToken);

        await WriteAsync(volume, 9, 0x41, cancellationToken);
        await WriteAsync(volume, 10, 0x42, cancellationToken);

        Assert.That(await HoldsAsync(Raw(0), 9, 0x41, cancellationToken), Is.True);
        Assert.That(await HoldsAsync(Raw(1), 0, 0x42, cancellationToken), Is.True);
        await Pool.RemoveAsync(volume, null, cancellationToken);
        Assert.That(await HoldsAsync(Raw(0), 9, 0, cancellationToken), Is.True, "wiped");
        Assert.That(await HoldsAsync(Raw(1), 0, 0, cancellationToken), Is.True, "wiped");
        Assert.That(await SumAsync(0, 10, 30), Is.EqualTo(before), "what is behind it");
    }

    [Test]
    public async Task A_host_has_a_volume_only_as_long_as_somebody_has_leased_it(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        Assert.That(OwnMaps, Is.Empty);

        await using (await Pool.OpenAsync(volume, writable: true, cancellationToken))
        {
            await using (await Pool.OpenAsync(volume, writable: false, cancellationToken))
                Assert.That(OwnMaps, Has.Exactly(1).Items);
            Assert.That(OwnMaps, Has.Exactly(1).Items);
            await Pool.PrepareAsync(cancellationToken);
            Assert.That(OwnMaps, Has.Exactly(1).Items);
        }

        Assert.That(OwnMaps, Is.Empty);
    }

    [Test]
    public async Task The_next_agent_keeps_what_a_guest_has_open_and_unmaps_the_rest(CancellationToken cancellationToken)
    {
        var (used, unused) = (await MakeAsync(NewVolume(), cancellationToken), await MakeAsync(NewVolume(), cancellationToken));
        var guest = await OpenGuest.StartAsync((await Pool.OpenAsync(used, writable: true, cancellationToken)).Node);
        await Pool.OpenAsync(unused, writable: true, cancellationToken);
        await using (guest)
        {
            await using var next = await OpenAsync(cancellationToken);
            await next.PrepareAsync(cancellationToken);

            Assert.That(OwnMaps.Single(), Does.EndWith(used.ToString()));
            Assert.That((await next.ScanAsync(cancellationToken)).Objects.Single().Text, Does.EndWith(used.ToString()));
            var remove = await RefusalOfAsync(() => next.RemoveAsync(used, null, cancellationToken));
            var release = await RefusalOfAsync(() => next.ReleaseAsync(cancellationToken));
            Assert.That((remove.Failure, release.Failure), Is.EqualTo((StorageFailure.InUse, StorageFailure.InUse)));
            await guest.BeginWriteAsync(3, 0x41);
            await guest.HasWrittenAsync();
        }

        await Pool.ReleaseAsync(cancellationToken);
        Assert.That(OwnMaps, Is.Empty);
        Assert.That(await HoldsAsync(used, 3, 0x41, cancellationToken), Is.True);
    }

    [Test]
    public async Task A_volume_grows_under_its_guest_and_never_shows_what_was_there(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var more = More(volume);
        await SoilAsync();
        await using var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken);
        await using var guest = await OpenGuest.StartAsync(lease.Node);

        await Pool.ClearAsync(more, null, cancellationToken);
        await Pool.GrowAsync(more, cancellationToken);
        Assert.That((await Pool.InspectAsync(more, cancellationToken)).Size, Is.EqualTo(Size), "nobody has noted it yet");
        await Pool.GrowAsync(more with { Cleared = 40 }, cancellationToken);

        Assert.That((await Pool.InspectAsync(more, cancellationToken)).Size, Is.EqualTo(40));
        Assert.That(await HoldsAsync(lease.Node, 33, 0, cancellationToken), Is.True);
    }

    [Test]
    public async Task An_agent_that_is_killed_between_the_growth_and_the_wiping_has_offered_none_of_it(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var more = More(volume);
        await SoilAsync();

        for (var commands = 0; ; commands++)
        {
            await using (var killed = Open(new FailingTools(Tools, commands), PathOf(0), PathOf(1)))
            {
                try
                {
                    await killed.ClearAsync(more, null, cancellationToken);
                    break;
                }
                catch (StorageException)
                {
                    // It came so far.
                }
            }
            await using var next = await OpenAsync(cancellationToken);
            await next.PrepareAsync(cancellationToken);
            await using var lease = await next.OpenAsync(more, writable: true, cancellationToken);
            Assert.That(await SizeOfAsync(lease.Node), Is.EqualTo(Size << 20), $"after {commands} commands");
        }

        var cleared = more with { Cleared = 40 };
        await using (var lease = await Pool.OpenAsync(cleared, writable: true, cancellationToken))
            Assert.That(await SizeOfAsync(lease.Node), Is.EqualTo(40L << 20));
        for (var mib = Size; mib < 40; mib++)
            Assert.That(await HoldsAsync(cleared, mib, 0, cancellationToken), Is.True, $"MiB {mib}");
    }

    [Test]
    public async Task A_volume_that_is_to_be_larger_than_its_extents_can_be_had_as_it_is(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        var waiting = volume with { Size = 400, Cleared = Size };

        await using var lease = await Pool.OpenAsync(waiting, writable: true, cancellationToken);
        var clear = await RefusalOfAsync(() => Pool.ClearAsync(waiting, null, cancellationToken));

        Assert.That(await SizeOfAsync(lease.Node), Is.EqualTo(Size << 20));
        Assert.That(clear.Message, Is.EqualTo("Extents of 32 MiB cannot hold 400 MiB."));
    }

    [Test]
    public async Task Only_what_is_on_a_disk_that_is_missing_needs_it(CancellationToken cancellationToken)
    {
        var both = NewVolume();
        var first = both with { Name = ObjectName.Volume(Guid.NewGuid(), 1), Extents = [Extent(0, "disk-a", 400, 16)] };
        await MakeAsync(both, cancellationToken);
        await using var pool = Open("disk-a", null);

        await pool.ScanAsync(cancellationToken);
        await pool.CreateAsync(first, cancellationToken);
        var open = await RefusalOfAsync(() => pool.OpenAsync(both, writable: true, cancellationToken));
        var remove = await RefusalOfAsync(() => pool.RemoveAsync(both, null, cancellationToken));

        Assert.That((open.Failure, open.Message), Is.EqualTo((StorageFailure.Unreachable, "This host does not see the disk disk-b.")));
        Assert.That(remove.Failure, Is.EqualTo(StorageFailure.Unreachable));
    }

    [Test]
    public async Task Extents_that_cannot_hold_the_volume_are_refused(CancellationToken cancellationToken)
    {
        var less = NewVolume() with { Extents = [Extent(0, "disk-a", 0, 8)] };
        var behind = NewVolume() with { Extents = [Extent(0, "disk-a", 500, 16)] };

        var tooFew = await RefusalOfAsync(() => Pool.CreateAsync(less, cancellationToken));
        var tooFar = await RefusalOfAsync(() => Pool.CreateAsync(behind, cancellationToken));

        Assert.That(tooFew.Message, Is.EqualTo("Extents of 8 MiB cannot hold 16 MiB."));
        Assert.That(tooFar.Message, Is.EqualTo("The disk disk-a ends at 512 MiB, before an extent of it."));
    }

    private static StorageObject More(StorageObject volume) =>
        volume with { Size = 40, Cleared = Size, Extents = [.. volume.Extents, Extent(2, "disk-a", 480, 8)] };

    /// <summary>Whoever had the space before has left something there, as well as where the volume's extents go on.</summary>
    private async Task SoilAsync()
    {
        foreach (var (disk, start, count) in ((int, long, int)[])[(0, 480, 8), (1, (_places.Count - 1) * 40 + 6, 16)])
        {
            await ChildProcess.RunAsync(
                "dd", ["if=/dev/urandom", $"of={PathOf(disk)}", "bs=1M", $"seek={start}", $"count={count}", "oflag=direct", "status=none"]);
        }
    }

    private static async Task<long> SizeOfAsync(BlockNode node) =>
        long.Parse(await ChildProcess.RunAsync("blockdev", ["--getsize64", node.Path]), CultureInfo.InvariantCulture);

    private static IStoragePool Open(params string?[] disks) => Open(
        Tools, [.. disks.Select((disk, number) => disk is null ? null : PathOf(number))]);

    private static IStoragePool Open(IToolRunner tools, params string?[] paths) => new SharedLvmDriver(tools).Open(
        Definition(StoragePoolType.SharedLvm, """{"name":"shared"}""", PoolUuid) with
        {
            Disks = [.. Ids.Select((id, disk) => new PoolDisk(id, paths[disk], 512))],
        });

    private static ExtentDesired Extent(int order, string disk, long start, long size) => new()
    {
        Uuid = Guid.NewGuid(),
        StoragePool = PoolUuid,
        Disk = disk,
        Range = new LongRange(start, start + size),
        Order = order,
    };

    private static string PathOf(int disk) => $"/dev/mapper/{Maps[disk]}";

    private static string Linear(int disk) => $"0 1048576 linear {MachineDisks.Path(3 + disk)} 0";

    private static BlockNode Raw(int disk) => new(new JsonObject
    {
        ["driver"] = "raw",
        ["file"] = new JsonObject { ["driver"] = "host_device", ["filename"] = PathOf(disk) },
    })
    {
        Path = PathOf(disk),
    };

    private static async Task ReloadAsync(string map, string table)
    {
        await ChildProcess.RunAsync("dmsetup", ["reload", map, "--table", table]);
        await ChildProcess.RunAsync("dmsetup", ["resume", map]);
    }

    private static async Task<string[]> MapsAsync() =>
        (await ChildProcess.RunAsync("dmsetup", ["info", "--columns", "--noheadings", "--options", "name"])).Split('\n');

    private static Task<string> SumAsync(int disk, int start, int count) => ChildProcess.RunAsync(
        "sh", ["-c", $"dd if={PathOf(disk)} bs=1M skip={start} count={count} iflag=direct status=none | sha256sum"]);
}
