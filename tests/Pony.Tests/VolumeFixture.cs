using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.TestKit.Transfers;

namespace PonyCloud.Pony.Tests;

/// <summary>A volume of the tenant, and a host that keeps it.</summary>
internal abstract class VolumeFixture : PonyFixture
{
    protected const int MiB = 1 << 20;

    protected static readonly Guid Volume = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000007");
    private static readonly Guid Pool = Guid.Parse("cccccccc-0000-4000-8000-000000000005");

    /// <summary>What the host says of the volume.</summary>
    protected static readonly HostVolumeCurrent Kept = new()
    {
        Host = ApiServer.Host,
        Volume = Volume,
        Status = StorageStatus.Ready,
        Size = 2,
        Generation = 1,
    };

    protected FakeKeeper Keeper { get; private set; } = null!;

    protected HastyTime Time { get; private set; } = null!;

    protected byte[] Content { get; private set; } = null!;

    protected VolumeDesired Row =>
        (VolumeDesired)Server.Database.Snapshot![Server.Database.Catalog["volume"]].Find(RowKey.Of(Volume))!.Desired!;

    [SetUp]
    public async Task KeepAsync()
    {
        LoggedIn(ApiServer.Owner);
        Time = new HastyTime();
        Content = Noise(17);
        Keeper = await FakeKeeper.StartAsync();
        Keeper.Keep(Volume, 1, Content);
        Server.Database.Put(
            new StoragePoolDesired { Uuid = Pool, Name = "local", Type = StoragePoolType.Dir, Config = JsonText.Parse("{}") },
            new VolumeDesired
            {
                Uuid = Volume,
                Tenant = ApiServer.TenantA,
                Name = "root",
                Size = 2,
                StoragePool = Pool,
                Content = VolumeContent.Made,
            },
            new HostVolumeDesired { Host = ApiServer.Host, Volume = Volume });
        Server.Database.Report(
            Keeper.Report(ApiServer.Host),
            Kept);
        Server.Database.Settled += Hear;
    }

    [TearDown]
    public async Task LetGoAsync() => await Keeper.DisposeAsync();

    protected static byte[] Noise(int seed)
    {
        var bytes = new byte[2 * MiB];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Runs a command of volumes whose pauses are over at once.</summary>
    protected Task<Outcome> VolumeAsync(params string[] arguments) =>
        RunAsync(terminal => terminal with { Time = Time }, ["volume", .. arguments]);

    /// <summary>The same with somebody who looks at it.</summary>
    protected Task<Outcome> WatchedAsync(params string[] arguments) =>
        RunAsync(terminal => terminal with { Time = Time, IsErrorTerminal = true, Width = 200 }, ["volume", .. arguments]);

    protected int Count(string method) =>
        Server.Seen.Count(request => request.Method == method && request.Path.EndsWith("/content", StringComparison.Ordinal));

    protected static bool IsContent(HttpRequest request, string method) =>
        request.Method == method && request.Path.Value!.EndsWith("/content", StringComparison.Ordinal);

    protected static Task AbortAsync(HttpContext context, Func<Task> next)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private void Hear(ChangeSet changes)
    {
        foreach (var row in changes.Rows)
        {
            if (row.After?.Desired is VolumeDesired { Content: VolumeContent.Upload } volume)
                Keeper.Await(volume.Uuid, volume.Generation, volume.Size * MiB);
        }
    }
}
