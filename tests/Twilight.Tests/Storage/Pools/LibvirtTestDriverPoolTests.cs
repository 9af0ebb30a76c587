using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Hypervisor.Libvirt;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Tests.Storage.Pools;

/// <summary>libvirt's own pretended pools, which live in this process.</summary>
public sealed class LibvirtTestDriverPoolTests : StorageHostContract
{
    private LibvirtStorage _libvirt = null!;

    protected override IStorageHost Host => _libvirt;

    protected override bool KeepsSecrets => false;

    [OneTimeSetUp]
    public async Task MakeAsync()
    {
        _libvirt = new LibvirtStorage(
            new LibvirtOptions { Uri = "test:///default" }, TimeProvider.System, NullLogger<LibvirtStorage>.Instance);
        // What it pretends is there as long as somebody is connected.
        await Eventually.SeesAsync("the watch", stop => Host.Events.ReadAsync(stop).AsTask(), happened => happened.What == "connected");
    }

    [TearDown]
    public Task EndAsync() => RemovePoolsAsync();

    [OneTimeTearDown]
    public async Task DisposeAsync() => await _libvirt.DisposeAsync();
}
