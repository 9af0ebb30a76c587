using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Logical;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Logical;

/// <summary>A thin pool as LVM reports it, since the kernel at hand has none.</summary>
public sealed class ThinPoolZeroTests
{
    [Test]
    public async Task A_pool_whose_thin_pool_gives_out_what_others_left_is_broken_and_makes_nothing()
    {
        var tools = new Reported("twi-aot---");
        await using var pool = Open(tools);

        var scan = await Assert.ThrowsAsync<StorageException>(() => pool.ScanAsync(CancellationToken.None));
        var partial = ObjectName.Volume(Guid.NewGuid(), 1) with { Worker = ObjectName.WorkerOf(Guid.NewGuid(), Guid.NewGuid()) };
        var create = await Assert.ThrowsAsync<StorageException>(() => pool.CreateAsync(new StorageObject(partial, 16), CancellationToken.None));

        Assert.That(scan!.Message, Does.StartWith("The thin pool ponycloud gives out blocks that are not wiped"));
        Assert.That((scan.Failure, create!.Failure), Is.EqualTo((StorageFailure.Unreachable, StorageFailure.Unreachable)));
        Assert.That(tools.Commands, Is.All.EqualTo("lvs"), "nothing is changed");
    }

    [Test]
    public async Task One_that_wipes_is_used()
    {
        await using var pool = Open(new Reported("twi-aotz--"));

        Assert.That((await pool.ScanAsync(CancellationToken.None)).Capacity, Is.EqualTo(1024));
    }

    private static IStoragePool Open(IToolRunner tools) => new LogicalDriver(tools, TimeProvider.System).Open(new PoolDefinition
    {
        Pool = new StoragePoolDesired
        {
            Uuid = Guid.NewGuid(),
            Name = "p",
            Type = StoragePoolType.Logical,
            Config = JsonText.Parse("""{"name":"group"}"""),
        },
    });

    private sealed class Reported(string attributes) : IToolRunner
    {
        public List<string> Commands { get; } = [];

        public Task<ToolResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
        {
            Commands.Add(call.Tool);
            return Task.FromResult(new ToolResult(0, $$"""
                {"report":[{"lv":[{"lv_name":"ponycloud","lv_uuid":"u","lv_size":"1073741824","pool_lv":"","origin":"","data_percent":"0.00",
                "lv_tags":"","lv_attr":"{{attributes}}","pv_count":"1","vg_missing_pv_count":"0"}]}]}
                """, ""));
        }
    }
}
