using NUnit.Framework;
using PonyCloud.TestKit.Storage;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Tests.Storage.Pools;

public sealed class FakeStorageHostTests : StorageHostContract
{
    private FakeStorageHost _fake = null!;

    protected override IStorageHost Host => _fake;

    [SetUp]
    public void Make() => _fake = new FakeStorageHost();

    [TearDown]
    public async Task EndAsync()
    {
        await RemovePoolsAsync();
        await _fake.DisposeAsync();
    }
}
