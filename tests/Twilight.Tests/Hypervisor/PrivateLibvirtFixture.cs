using NUnit.Framework;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Twilight.Tests;

/// <summary>One libvirtd for all tests of this assembly.</summary>
[SetUpFixture]
public sealed class PrivateLibvirtFixture
{
    private static PrivateLibvirtd? _instance;

    public static PrivateLibvirtd Instance => _instance ?? throw new InvalidOperationException("libvirtd is not running.");

    [OneTimeSetUp]
    public async Task StartAsync() => _instance = await PrivateLibvirtd.StartAsync(isolatedNetwork: true);

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_instance is not null)
            await _instance.DisposeAsync();
    }
}
