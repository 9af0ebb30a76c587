using NUnit.Framework;

namespace PonyCloud.Twilight.Tests.Migrations;

/// <summary>Two hosts for all tests of this namespace.</summary>
[SetUpFixture]
internal sealed class MigrationPair
{
    private static MigrationHost? _source;
    private static MigrationHost? _destination;

    public static MigrationHost Source => _source ?? throw new InvalidOperationException("The hosts are not running.");

    public static MigrationHost Destination => _destination ?? throw new InvalidOperationException("The hosts are not running.");

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _source = await MigrationHost.StartAsync();
        _destination = await MigrationHost.StartAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_source is not null)
            await _source.DisposeAsync();
        if (_destination is not null)
            await _destination.DisposeAsync();
    }
}
