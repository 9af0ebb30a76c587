using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;
using PonyCloud.Twilight.Storage.Files;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>A directory of this machine that is a pool, and what tests put into it and find there.</summary>
[CancelAfter(300_000)]
public abstract class DirPoolFixture
{
    private TemporaryDirectory _home = null!;

    private protected Guid Host { get; } = Guid.NewGuid();

    private protected string Directory => _home["pool"];

    private protected ToolRunner Tools { get; private set; } = null!;

    private protected QemuIo Io { get; private set; } = null!;

    private protected string Config => $$"""{"path":"{{Directory}}"}""";

    [SetUp]
    public void MakeDirectory()
    {
        _home = new TemporaryDirectory("dir-pool");
        System.IO.Directory.CreateDirectory(Directory);
        Tools = new ToolRunner(Host, TimeProvider.System, NullLogger<ToolRunner>.Instance);
        Io = new QemuIo(Tools);
    }

    [TearDown]
    public void RemoveDirectory()
    {
        EndLeftovers();
        _home.Dispose();
    }

    private protected void EndLeftovers() => new LeftoverTools(Host, NullLogger<LeftoverTools>.Instance).End();

    private protected static StorageParts PartsOf(IToolRunner tools) =>
        new([new DirDriver(tools)], new VolumeCopier(tools, TimeProvider.System));

    /// <summary>A volume of 16 MiB with 0x41 in its third, which is there and whose row says so.</summary>
    private protected async Task<VolumeDesired> PutAsync(StorageOrderBook orders, Guid pool, CancellationToken cancellationToken)
    {
        var volume = orders.Volume(pool, content: VolumeContent.Made);
        await PutAsync(ObjectName.Volume(volume.Uuid, 1), cancellationToken);
        return volume;
    }

    private protected async Task PutAsync(ObjectName name, CancellationToken cancellationToken)
    {
        var template = _home["template"];
        if (!File.Exists(template))
        {
            await ToolAsync("qemu-img", ["create", "-q", "-f", "qcow2", template, "16M"], cancellationToken);
            await Io.WriteAsync(NodeOf(template), 2, 0x41, cancellationToken);
        }
        File.Copy(template, Path.Combine(Directory, name.ToString()));
    }

    private protected Task<ToolResult> ToolAsync(string tool, string[] arguments, CancellationToken cancellationToken) =>
        Tools.RunAsync(new ToolCall(tool, arguments), cancellationToken);

    /// <summary>What there is of a volume.</summary>
    private protected string[] NamesOf(VolumeDesired volume) =>
        [.. System.IO.Directory.EnumerateFiles(Directory, $"volume-{volume.Uuid}*").Select(path => Path.GetFileName(path))];

    private protected string PathOf(VolumeDesired volume) =>
        Path.Combine(Directory, ObjectName.Volume(volume.Uuid, volume.Generation).ToString());

    private protected BlockNode NodeOf(VolumeDesired volume) => NodeOf(PathOf(volume));

    /// <summary>The volume alone is there, is sound, and has 0x41 in its third MiB.</summary>
    private protected async Task IsWholeAsync(VolumeDesired volume, CancellationToken cancellationToken)
    {
        await Eventually.HoldsAsync(
            "nothing but the volume", () => NamesOf(volume) is [var only] && only == Path.GetFileName(PathOf(volume)));
        Assert.That(await Io.HoldsAsync(NodeOf(volume), 2, 0x41, cancellationToken), Is.True);
        Assert.That(await Io.HoldsAsync(NodeOf(volume), volume.Size - 1, 0, cancellationToken), Is.True);
        // 3 is that some of the space is not used by anything: harmless.
        await Tools.RunAsync(
            new ToolCall("qemu-img", "check", "-q", "-f", "qcow2", PathOf(volume)) { Accepted = [0, 3] }, cancellationToken);
    }

    private protected static BlockNode NodeOf(string path) => new(new JsonObject
    {
        ["driver"] = "qcow2",
        ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = path },
    })
    {
        Path = path,
    };
}
