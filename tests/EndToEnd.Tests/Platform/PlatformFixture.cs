using NUnit.Framework;
using NUnit.Framework.Interfaces;
using PonyCloud.TestKit.Guests;

namespace PonyCloud.EndToEnd.Tests.Platform;

/// <summary>Tests that share one running platform.</summary>
/// <param name="button">What guests do when their power button is pressed.</param>
public abstract class PlatformFixture(PowerButton button = PowerButton.PowersOff)
{
    private const int Explained = 40;

    private RunningPlatform? _running;

    /// <summary>The platform; there for as long as tests run.</summary>
    protected RunningPlatform Running => _running ?? throw new InvalidOperationException("The platform did not start.");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _running = await RunningPlatform.StartAsync(await SettingsAsync());
        await PrepareAsync();
    }

    /// <summary>What the daemons said last is what explains a failure.</summary>
    [TearDown]
    public void Explain()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status != TestStatus.Failed || _running is null)
            return;
        foreach (var daemon in new[] { _running.Sparkle, _running.Twilight })
            TestContext.Out.WriteLine($"Process {daemon.Id}:\n{string.Join('\n', daemon.Lines.TakeLast(Explained))}");
    }

    [OneTimeTearDown]
    public async Task EndAsync()
    {
        try
        {
            // It is not there when it did not start, and that is then what the tests say.
            if (_running is not null)
                await _running.DisposeAsync();
        }
        finally
        {
            await TidyAsync();
        }
    }

    /// <summary>What kind of platform it is.</summary>
    protected virtual Task<PlatformSettings> SettingsAsync() => Task.FromResult(new PlatformSettings { Button = button });

    /// <summary>What else has to be there before the first test.</summary>
    protected virtual Task PrepareAsync() => Task.CompletedTask;

    /// <summary>What else has to go after the platform, also when that did not start.</summary>
    protected virtual Task TidyAsync() => Task.CompletedTask;
}
