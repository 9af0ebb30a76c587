using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.EndToEnd.Tests.Platform;
using PonyCloud.TestKit.Devices;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.EndToEnd.Tests;

/// <summary>What is plugged into a host is shown by the API, for as long as it is there.</summary>
public sealed class DiskTests : PlatformFixture
{
    protected override Task<PlatformSettings> SettingsAsync() => Task.FromResult(new PlatformSettings { HasLoopDevices = true });

    [Test]
    public async Task A_disk_that_is_plugged_in_is_shown_and_one_that_is_pulled_out_is_gone()
    {
        await using var loop = await LoopDevice.AttachAsync(size: 48);
        var row = await Eventually.SeesAsync("the disk", _ => FindAsync(loop.Node), found => found is not null);
        Assert.That(row!.SelectToken("current.size")?.Value<long>(), Is.EqualTo(48));
        Assert.That(row.SelectToken("current.status")?.Value<string>(), Is.EqualTo("ready"));

        await loop.DetachAsync();
        await Eventually.SeesAsync("no disk", _ => FindAsync(loop.Node), found => found is null);
    }

    private async Task<JToken?> FindAsync(string node) => (await Running.Alicorn.GetAsync($"/host/{Running.Host}/disk")).Properties()
        .Select(property => property.Value)
        .SingleOrDefault(row => row.SelectToken("current.path")?.Value<string>() == node);
}
