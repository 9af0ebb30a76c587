using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.Devices;

/// <summary>A block device of the machine's kernel, over a file of its own. Needs root.</summary>
public sealed class LoopDevice : IAsyncDisposable
{
    private const long Mebibyte = 1024 * 1024;

    private readonly TemporaryDirectory _directory;
    private bool _isAttached = true;

    private LoopDevice(TemporaryDirectory directory, string node)
    {
        _directory = directory;
        Node = node;
    }

    /// <summary>The device file.</summary>
    public string Node { get; }

    /// <summary>The kernel's name.</summary>
    public string Name => Path.GetFileName(Node);

    /// <summary>The file that it is made of.</summary>
    public string File => _directory["disk.img"];

    /// <param name="size">MiB.</param>
    public static async Task<LoopDevice> AttachAsync(long size)
    {
        var directory = new TemporaryDirectory("loop");
        try
        {
            SetSize(directory["disk.img"], size);
            var node = await ChildProcess.RunAsync("losetup", ["--find", "--show", directory["disk.img"]]);
            return new LoopDevice(directory, node.Trim());
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }

    public async Task ResizeAsync(long size)
    {
        SetSize(File, size);
        await ChildProcess.RunAsync("losetup", ["--set-capacity", Node]);
    }

    /// <summary>Makes the kernel say of it so many times that it changed.</summary>
    public void Chatter(int times)
    {
        for (var i = 0; i < times; i++)
            System.IO.File.WriteAllText($"/sys/class/block/{Name}/uevent", "change");
    }

    public async Task DetachAsync()
    {
        if (!_isAttached)
            return;
        _isAttached = false;
        await ChildProcess.RunAsync("losetup", ["--detach", Node]);
    }

    public async ValueTask DisposeAsync()
    {
        await DetachAsync();
        _directory.Dispose();
    }

    private static void SetSize(string path, long size)
    {
        using var file = System.IO.File.Open(path, FileMode.OpenOrCreate);
        file.SetLength(size * Mebibyte);
    }
}
