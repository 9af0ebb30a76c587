using PonyCloud.TestKit.Database;

namespace PonyCloud.Database.Tests;

/// <summary>One server for all tests that do not harm it.</summary>
[SetUpFixture]
public sealed class SharedServer
{
    public static PostgresServer Server { get; private set; } = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => Server = await PostgresServer.StartNewAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await Server.DisposeAsync();
}
