using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>A directory of this machine.</summary>
public sealed class DirPoolTests : StoragePoolContract
{
    private readonly IToolRunner _tools = new ToolRunner(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
    private TemporaryDirectory _home = null!;

    private string Directory => _home["the pool"];

    [OneTimeSetUp]
    public void Make() => _home = new TemporaryDirectory("dir-pool");

    [OneTimeTearDown]
    public void Remove() => _home.Dispose();

    protected override Task<IStoragePool> OpenAsync(CancellationToken cancellationToken) =>
        Task.FromResult(new DirDriver(_tools).Open(Definition(Directory)));

    protected override Task BreakAsync()
    {
        System.IO.Directory.Move(Directory, _home["elsewhere"]);
        return Task.CompletedTask;
    }

    protected override Task HealAsync()
    {
        System.IO.Directory.Move(_home["elsewhere"], Directory);
        return Task.CompletedTask;
    }

    protected override Task WriteAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).WriteAsync(node, mib, value, cancellationToken);

    protected override Task<bool> HoldsAsync(BlockNode node, long mib, byte value, CancellationToken cancellationToken) =>
        new QemuIo(_tools).HoldsAsync(node, mib, value, cancellationToken);

    [Test]
    public async Task Files_that_the_platform_did_not_name_are_neither_seen_nor_touched(CancellationToken cancellationToken)
    {
        string[] foreign = ["debian.qcow2", "volume-1", "image-of-mine", "-f"];
        foreach (var name in foreign)
            await File.WriteAllTextAsync(Path.Combine(Directory, name), "kept", cancellationToken);

        var scan = await Pool.ScanAsync(cancellationToken);

        Assert.That(scan.Objects, Is.Empty);
        Assert.That(foreign.Select(name => File.ReadAllText(Path.Combine(Directory, name))), Is.All.EqualTo("kept"));
    }

    [Test]
    public async Task What_somebody_has_open_is_in_use(CancellationToken cancellationToken)
    {
        var volume = await MakeAsync(NewVolume(), cancellationToken);
        await using var lease = await Pool.OpenAsync(volume, writable: true, cancellationToken);
        await using var guest = ChildProcess.Start("qemu-io", [lease.Node.ToFileName()]);
        await guest.Input.WriteLineAsync("length");
        await guest.WaitForLineAsync("the length", line => line.Contains("16 MiB", StringComparison.Ordinal));

        var snapshot = await RefusalOfAsync(() => Pool.SnapshotAsync(volume, Guid.NewGuid(), cancellationToken));
        var growth = await RefusalOfAsync(() => Pool.GrowAsync(volume with { Size = 64 }, cancellationToken));
        Assert.That((snapshot.Failure, growth.Failure), Is.EqualTo((StorageFailure.InUse, StorageFailure.InUse)));
        Assert.That((await Pool.InspectAsync(volume, cancellationToken)).Size, Is.EqualTo(Size));
    }

    [Test]
    public async Task A_file_is_made_anew_under_who_still_writes_the_old_one(CancellationToken cancellationToken)
    {
        var partial = PartialOf(NewVolume());
        await Pool.CreateAsync(partial, cancellationToken);
        await using var old = new FileStream(
            Path.Combine(Directory, partial.ToString()), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

        await Pool.CreateAsync(partial, cancellationToken);
        old.Write(new byte[4096]);
        old.Flush(flushToDisk: true);

        Assert.That((await Pool.InspectAsync(partial, cancellationToken)).Size, Is.EqualTo(Size));
    }

    [Test]
    public async Task A_directory_that_went_is_not_made_anew_by_whoever_had_it(CancellationToken cancellationToken)
    {
        await BreakAsync();
        try
        {
            await Pool.PrepareAsync(cancellationToken);
            Assert.That((await RefusalOfAsync(() => Pool.ScanAsync(cancellationToken))).Failure, Is.EqualTo(StorageFailure.Unreachable));
        }
        finally
        {
            await HealAsync();
        }
    }

    [Test]
    public async Task Others_on_the_machine_cannot_list_the_directory(CancellationToken cancellationToken)
    {
        await using var pool = new DirDriver(_tools).Open(Definition(_home["private"]));

        await pool.PrepareAsync(cancellationToken);

        var readable = File.GetUnixFileMode(_home["private"]) & (UnixFileMode.OtherRead | UnixFileMode.GroupRead);
        Assert.That(readable, Is.EqualTo(UnixFileMode.None));
    }

    [TestCase("""{"path":"relative"}""")]
    [TestCase("""{"path":7}""")]
    [TestCase("{}")]
    [TestCase("[]")]
    public async Task A_pool_without_a_path_is_refused(string config)
    {
        var definition = new PoolDefinition { Pool = Definition("/").Pool with { Config = JsonText.Parse(config) } };

        var refusal = await RefusalOfAsync(() => Task.FromResult(new DirDriver(_tools).Open(definition)));

        Assert.That(refusal.Message, Is.EqualTo("The pool p (Dir) names no absolute path."));
    }

    private static PoolDefinition Definition(string path) => new()
    {
        Pool = new StoragePoolDesired
        {
            Uuid = Guid.NewGuid(),
            Name = "p",
            Type = StoragePoolType.Dir,
            Config = JsonText.Parse($$"""{"path":"{{path}}"}"""),
        },
    };
}
