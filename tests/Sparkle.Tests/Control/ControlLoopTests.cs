using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.TestKit.Messaging;

namespace PonyCloud.Sparkle.Tests.Control;

[TestFixture]
public sealed class ControlLoopTests : IControlFeature
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private readonly List<bool> _wasUp = [];
    private ControlLoop _loop = null!;

    [TearDown]
    public void End() => _loop.Dispose();

    void IControlFeature.Settled(ChangeSet changes) => _wasUp.Add(_loop.Database.IsUp);

    [Test]
    public async Task Whoever_sees_the_database_loaded_sees_that_it_is_there()
    {
        await using var transport = new FakeNetwork().Open("sparkle");
        _loop = new ControlLoop(Catalog, () => [this], transport, new ControlOptions(), TimeProvider.System, NullLogger<ControlLoop>.Instance);
        await _loop.StartAsync(CancellationToken.None);
        try
        {
            var row = RowChange.Set(Catalog["config"], RowPart.Desired, new ConfigDesired { Key = "a", Value = JsonText.Parse("1") });
            await _loop.LoadedAsync([row], 1, CancellationToken.None);
        }
        finally
        {
            await _loop.StopAsync(CancellationToken.None);
        }
        Assert.That(_wasUp, Is.EqualTo(new[] { true }));
    }
}
