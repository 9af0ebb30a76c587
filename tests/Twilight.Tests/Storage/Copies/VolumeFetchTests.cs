using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Migrations;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tests.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Copies;

/// <summary>Volumes go from the directory of one host to that of another, through the real door between two agents.</summary>
public sealed class VolumeFetchTests : DirPoolFixture
{
    // Of looks, of the copying and of publishing.
    private const int FirstCall = 3;
    private const int LastCall = 14;

    private TemporaryDirectory _there = null!;
    private SourceHost _source = null!;
    private StorageBench _bench = null!;
    private Guid _pool;
    private VolumeDesired _volume = null!;
    private VdiskDesired _disk = null!;
    private IToolRunner _tools = null!;
    private TimeSpan _patience;

    [SetUp]
    public async Task BeginAsync()
    {
        _there = new TemporaryDirectory("source-pool");
        _patience = TimeSpan.FromSeconds(30);
        _tools = Tools;
        _source = await SourceHost.StartAsync(() => PartsOf(Tools));
        _bench = new StorageBench(
            () => new StorageParts([new DirDriver(_tools)], new VolumeCopier(_tools, TimeProvider.System))
            {
                Doors = _source.Link,
                Patience = _patience,
            },
            Host);
        _pool = _bench.Orders.Pool(config: Config);
        _source.Bench.Orders.Pool(config: $$"""{"path":"{{_there.Path}}"}""", uuid: _pool);
        // 64 MiB, of which six are written.
        _volume = await _source.Bench.MadeAsync(_pool, size: 64);
        foreach (var mib in (int[])[0, 1, 2, 30, 31, 63])
            await Io.WriteAsync(NodeOf(There(1)), mib, 0x41, CancellationToken.None);
        _disk = _source.Bench.Orders.Guest(_volume.Uuid, state: InstanceState.Stopped);
        _source.Bench.Send();
        await Eventually.HoldsAsync(
            "the disk is known", () => _source.Bench.Guests.Of(_disk.Uuid).Why?.Contains("not open yet", StringComparison.Ordinal) == true);
        _bench.Orders.Set("volume", _volume);
        _bench.Orders.Set("instance", new InstanceDesired { Uuid = _disk.Instance, Name = "guest", Mem = 16, State = InstanceState.Stopped });
        _bench.Orders.Set("vdisk", _disk);
    }

    [TearDown]
    public async Task EndAsync()
    {
        _source.Link.Mend();
        await _bench.DisposeAsync();
        await _source.DisposeAsync();
        _there.Dispose();
    }

    [Test]
    public async Task A_volume_is_fetched_whole_with_its_holes_and_is_the_host_s_once_it_keeps_it(CancellationToken cancellationToken)
    {
        Order(_source.LetRead(_disk.Instance));

        await FetchedAsync();

        await IsCopiedAsync(cancellationToken);
        var allocated = (await ToolAsync("du", ["-k", Here(2)], cancellationToken)).Output.Split('\t')[0];
        Assert.That(int.Parse(allocated, System.Globalization.CultureInfo.InvariantCulture), Is.LessThan(10 << 10), "holes stay holes");
        await Eventually.HoldsAsync("the door is closed", () => !_source.IsRead(_disk.Instance));
        Assert.That(_bench.Orphans, Is.Empty);
        Assert.That(_bench.Guests.Of(_disk.Uuid).Readiness, Is.EqualTo(DiskReadiness.Waiting), "it is nobody's yet");

        var version = File.GetLastWriteTimeUtc(Here(2));
        var arrived = _bench.Orders.HandOver(Host, _volume, _disk, 2);
        await _bench.ReadyAsync(arrived);
        await _bench.UntilAsync("the copy is no longer spoken of", () => _bench.Copy(_volume) is null);
        Assert.That(NamesIn(Directory), Is.EqualTo([$"volume-{_volume.Uuid}.2"]));
        Assert.That(File.GetLastWriteTimeUtc(Here(2)), Is.EqualTo(version), "it is not made anew");
    }

    [Test]
    public async Task How_far_it_has_come_is_told()
    {
        var reached = _source.Link.HoldAfter(3 << 20);
        Order(_source.LetRead(_disk.Instance));
        _bench.Send();
        await reached;

        await _bench.UntilAsync(
            "progress", () => _bench.Copy(_volume) is { Status: StorageStatus.Preparing, Progress: > 0, Bytes: > 0, Generation: 2 });
        Assert.That(_source.IsRead(_disk.Instance));

        _source.Link.Release();
        await FetchedAsync();
        Assert.That(_bench.Copy(_volume)!.Progress, Is.Null);
    }

    [Test]
    public async Task A_ticket_opens_the_volumes_of_its_instance_and_nothing_else(CancellationToken cancellationToken)
    {
        var other = await _source.Bench.MadeAsync(_pool);
        var another = _source.Bench.Orders.Guest(other.Uuid, state: InstanceState.Stopped);
        _source.Bench.Send();
        await Eventually.HoldsAsync(
            "the other disk is known", () => _source.Bench.Guests.Of(another.Uuid).Why?.Contains("not open yet", StringComparison.Ordinal) == true);
        var door = _source.LetRead(_disk.Instance);

        await using (await OpenAsync(door, _disk.Instance, _volume.Uuid, cancellationToken))
            Assert.That(_source.IsRead(_disk.Instance));

        Refused(door with { Ticket = new string('0', 64) }, _disk.Instance, _volume.Uuid, "401");
        Refused(door with { Ticket = _source.Token }, _disk.Instance, _volume.Uuid, "403");
        Refused(door, another.Instance, other.Uuid, "401");
        Refused(door, _disk.Instance, other.Uuid, "404");
        Refused(door, _disk.Instance, Guid.NewGuid(), "404");
        Assert.That(
            async () => await _source.Link.OpenAsync(door, _disk.Instance, DoorWays.Hypervisor, cancellationToken),
            Throws.InstanceOf<IOException>().With.Message.Contains("401"), "nor any other way");
        _source.Bench.Guests.Use([new DiskUse(_disk.Instance, _disk.Uuid, There(1))], []);
        Refused(door, _disk.Instance, _volume.Uuid, "503");
        _source.Bench.Guests.Use([], []);

        _source.LetRead();
        Refused(door, _disk.Instance, _volume.Uuid, "401");
        var next = _source.LetRead(_disk.Instance);
        Assert.That(next.Ticket, Is.Not.EqualTo(door.Ticket));
        Refused(door, _disk.Instance, _volume.Uuid, "401");
        await using (await OpenAsync(next, _disk.Instance, _volume.Uuid, cancellationToken))
            Assert.That(_source.IsRead(_disk.Instance));
    }

    [Test]
    public async Task Without_the_right_ticket_nothing_is_fetched_and_with_it_at_once(CancellationToken cancellationToken)
    {
        var door = _source.LetRead(_disk.Instance);
        Order(door with { Ticket = new string('0', 64) });
        await _bench.UntilAsync("a reason", () => _bench.Copy(_volume) is { Status: StorageStatus.Broken });
        Assert.That(_bench.Copy(_volume)!.Why, Does.Contain("401").And.Contain(door.Endpoint));

        Order(door);
        await FetchedAsync();
        await IsCopiedAsync(cancellationToken);
    }

    [Test]
    public async Task Cut_in_the_middle_it_says_so_and_goes_on_anew(CancellationToken cancellationToken)
    {
        var reached = _source.Link.HoldAfter(2 << 20);
        Order(_source.LetRead(_disk.Instance));
        _bench.Send();
        await reached;

        _source.Link.Cut();
        await _bench.UntilAsync("a reason", () => _bench.Copy(_volume) is { Status: StorageStatus.Broken, Why: not null });
        Assert.That(NamesIn(Directory), Has.None.EqualTo($"volume-{_volume.Uuid}.2"));

        _source.Link.Mend();
        await FetchedAsync();
        await IsCopiedAsync(cancellationToken);
    }

    [Test]
    public async Task A_source_that_freezes_is_given_up_and_asked_again(CancellationToken cancellationToken)
    {
        _patience = TimeSpan.FromMilliseconds(300);
        await _bench.EndAsync();
        _bench.Begin();
        var door = _source.LetRead(_disk.Instance);
        var reached = _source.Link.HoldAfter(2 << 20);
        Order(door);
        _bench.Send();
        await reached;

        await _bench.UntilAsync("a reason", () => _bench.Copy(_volume) is { Status: StorageStatus.Broken });
        Assert.That(_bench.Copy(_volume)!.Why, Does.Contain("silent").And.Contain(door.Endpoint));

        _source.Link.Release();
        await FetchedAsync();
        await IsCopiedAsync(cancellationToken);
    }

    [Test]
    public async Task Withdrawn_it_ends_within_seconds_and_leaves_nothing()
    {
        var reached = _source.Link.HoldAfter(2 << 20);
        Order(_source.LetRead(_disk.Instance));
        _bench.Send();
        await reached;

        _bench.Orders.ForgetCopy(Host, _volume.Uuid);
        var tombstone = _bench.Orders.Tombstone(TombstoneType.Orphan, $"volume-{_volume.Uuid}.2", _pool);

        await _bench.UntilAsync(
            "the removal", () => _bench.Tombstone(tombstone)?.Status == RemovalStatus.Removed, within: TimeSpan.FromSeconds(5));
        await Eventually.HoldsAsync("nothing is left", () => NamesIn(Directory).Length == 0);
        await Eventually.HoldsAsync("nobody reads", () => !_source.IsRead(_disk.Instance));
    }

    [Test]
    public async Task When_the_source_is_to_keep_it_whoever_reads_is_cut()
    {
        var reached = _source.Link.HoldAfter(2 << 20);
        Order(_source.LetRead(_disk.Instance));
        _bench.Send();
        await reached;

        _source.LetRead();

        await Eventually.HoldsAsync("nobody reads", () => !_source.IsRead(_disk.Instance));
        _source.Link.Release();
        await _bench.UntilAsync("a reason", () => _bench.Copy(_volume) is { Status: StorageStatus.Broken });
        Assert.That(NamesIn(Directory), Has.None.EqualTo($"volume-{_volume.Uuid}.2"));
    }

    [Test]
    public async Task Whenever_the_agent_is_killed_what_it_publishes_is_whole([Range(FirstCall, LastCall)] int call, CancellationToken cancellationToken)
    {
        var death = (Death)(call % 3);
        await _bench.EndAsync();
        var mortal = new MortalTools(Tools, call, death);
        _tools = mortal;
        _bench.Begin();
        Order(_source.LetRead(_disk.Instance));
        await _bench.UntilAsync("the death, or the end of the work", () => mortal.Died.IsCompleted || IsFetched);
        _bench.Abandon();
        if (File.Exists(Here(2)))
            await IsCopiedAsync(cancellationToken);

        EndLeftovers();
        _tools = Tools;
        _bench.Begin();
        await FetchedAsync();
        await IsCopiedAsync(cancellationToken);
        await Eventually.HoldsAsync("nothing else is left", () => NamesIn(Directory) is [var only] && only == Path.GetFileName(Here(2)));
    }

    private bool IsFetched => _bench.Copy(_volume) is { Status: StorageStatus.Ready, Generation: 2 };

    private void Order(MigrationDoor door)
    {
        _bench.Orders.Copy(Host, _disk, CopyFill.Fetch);
        _bench.Orders.Move(Host, _disk.Instance, MigrationRole.Stay, door);
    }

    private Task FetchedAsync() => _bench.UntilAsync("it is fetched", () => IsFetched);

    private Task<Stream> OpenAsync(MigrationDoor door, Guid instance, Guid volume, CancellationToken cancellationToken) =>
        _source.Link.OpenAsync(door, instance, DoorWays.ContentOf(volume), cancellationToken);

    private void Refused(MigrationDoor door, Guid instance, Guid volume, string status) => Assert.That(
        async () => await OpenAsync(door, instance, volume, CancellationToken.None),
        Throws.InstanceOf<IOException>().With.Message.Contains(status));

    private async Task IsCopiedAsync(CancellationToken cancellationToken)
    {
        var compared = await ToolAsync("qemu-img", ["compare", "-q", There(1), Here(2)], cancellationToken);
        Assert.That(compared.ExitCode, Is.Zero);
    }

    private string There(int generation) => Path.Combine(_there.Path, $"volume-{_volume.Uuid}.{generation}");

    private string Here(int generation) => Path.Combine(Directory, $"volume-{_volume.Uuid}.{generation}");

    private static string[] NamesIn(string directory) => [.. System.IO.Directory.EnumerateFiles(directory).Select(path => Path.GetFileName(path)!)];
}
