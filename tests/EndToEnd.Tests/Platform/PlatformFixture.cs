using NUnit.Framework;
using PonyCloud.TestKit.Guests;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>Tests that share one running platform.</summary>
/// <param name="button">What guests do when their power button is pressed.</param>
public abstract class PlatformFixture(PowerButton button = PowerButton.PowersOff)
{
    private RunningPlatform? _running;

    /// <summary>The platform; there for as long as tests run.</summary>
    protected RunningPlatform Running => _running ?? throw new InvalidOperationException("The platform did not start.");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _running = await RunningPlatform.StartAsync(button);
        await PrepareAsync();
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        // It is not there when it did not start, and that is then what the tests say.
        if (_running is not null)
            await _running.DisposeAsync();
    }

    /// <summary>What else has to be there before the first test.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;
}
