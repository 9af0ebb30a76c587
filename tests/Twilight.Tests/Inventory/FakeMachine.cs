using System.Net;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Inventory;

namespace PonyCloud.Twilight.Tests.Inventory;

/// <summary>The files of a kernel, as a machine with two threads and 4 GiB has them.</summary>
internal sealed class FakeMachine : IDisposable
{
    private readonly TemporaryDirectory _directory = new("machine");

    public FakeMachine()
    {
        Write("proc/cpuinfo", """
            processor	: 0
            model name	: Pony CPU @ 3 GHz
            flags		: vme fpu svm

            processor	: 1
            model name	: Pony CPU @ 3 GHz
            flags		: vme fpu svm

            """);
        WriteMemory(availableKib: 2_100_000);
        Write("proc/stat", "cpu  1 2 3\nbtime 1767225600\nprocesses 7\n");
        Write("proc/sys/kernel/random/boot_id", "4cd1a1f4-3f50-4d53-9e53-cc8c2d2f1b6e\n");
        Write("proc/sys/kernel/osrelease", "6.1.0-49-cloud-amd64\n");
        Write("sys/class/dmi/id/product_uuid", "9ECE4546-1199-42B0-ACF5-1B68F393683A\n");
        Write("dev/kvm", "");
    }

    public string Sys => _directory["sys"];

    public string KvmDevice => _directory["dev/kvm"];

    public InventoryRoots Roots => new()
    {
        Proc = _directory["proc"],
        Sys = Sys,
        KvmDevice = KvmDevice,
        Addresses = () =>
        [
            IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Parse("192.0.2.7"), IPAddress.Parse("fe80::1%2"), IPAddress.Parse("10.0.0.1"),
        ],
    };

    public void WriteMemory(long availableKib) =>
        Write("proc/meminfo", $"MemTotal:        4194304 kB\nMemFree:          100000 kB\nMemAvailable:   {availableKib} kB\n");

    public void Write(string name, string text)
    {
        var path = _directory[name];
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    public void Remove(string name) => File.Delete(_directory[name]);

    public void Dispose() => _directory.Dispose();
}
