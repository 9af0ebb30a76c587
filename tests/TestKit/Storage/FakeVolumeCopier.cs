using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Copying;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// Copies between fake storages, and from files, of which the first byte of each MiB counts. Copies can be held on their way.
/// </summary>
public sealed class FakeVolumeCopier(params FakeStorageDriver[] drivers) : IVolumeCopier
{
    /// <summary>Where copies wait, half done; null where they do not.</summary>
    public FakeGate? Gate { get; set; }

    /// <summary>Told half way.</summary>
    public WorkProgress HalfWay { get; set; } = new(50, 8 << 20, 1 << 20);

    /// <summary>Where the copy that began last tells how far it is.</summary>
    public IProgress<WorkProgress>? Progress { get; private set; }

    /// <summary>How often the whole of something was copied.</summary>
    public int Done { get; private set; }

    public async Task CopyAsync(BlockNode source, BlockNode target, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        await Task.Yield();
        var content = Read(source);
        var to = StorageOf(target);
        var name = FakeStoragePool.ObjectOf(target);
        foreach (var (mib, value) in content.Take(content.Count / 2))
            to.Write(name, mib, value);
        Progress = progress;
        progress?.Report(HalfWay);
        if (Gate is { } gate)
            await gate.PassAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        foreach (var (mib, value) in content)
            to.Write(name, mib, value);
        Done++;
    }

    private Dictionary<long, byte> Read(BlockNode node)
    {
        if (node.Options.ContainsKey("object"))
        {
            var storage = StorageOf(node);
            return storage.Locked(() => storage.Find(FakeStoragePool.ObjectOf(node)).Content.ToDictionary());
        }
        using var file = File.OpenRead((string)node.Options["file"]!["filename"]!);
        var content = new Dictionary<long, byte>();
        for (var mib = 0L; mib << 20 < file.Length; mib++)
        {
            file.Position = mib << 20;
            content[mib] = (byte)file.ReadByte();
        }
        return content;
    }

    private FakeStorage StorageOf(BlockNode node) =>
        drivers.SelectMany(driver => driver.Storages).First(storage => storage.Id.ToString() == (string)node.Options["storage"]!);
}
