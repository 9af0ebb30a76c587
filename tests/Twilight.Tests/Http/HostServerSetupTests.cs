using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;
using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight.Http;

namespace PonyCloud.Twilight.Tests.Http;

public sealed class HostServerSetupTests
{
    private static readonly ConfigurationSchema Schema = new("TEST_", HostServerSetup.Keys);

    private static readonly IPAddress[] Own =
    [
        IPAddress.Loopback, IPAddress.IPv6Loopback, IPAddress.Parse("fe80::1%2"), IPAddress.Parse("2001:db8::7"),
        IPAddress.Parse("192.0.2.7"), IPAddress.Parse("192.0.2.8"),
    ];

    [TestCase("0.0.0.0:0", null, "192.0.2.7")]
    [TestCase("[::]:0", null, "2001:db8::7")]
    [TestCase("192.0.2.8:9000", null, "192.0.2.8")]
    [TestCase("0.0.0.0:0", "host.example", "host.example")]
    public void Sparkle_is_told_an_address_at_which_it_finds_the_host(string listen, string? address, string advertised)
    {
        var settings = new List<(string, string)> { ("TEST_HTTP__LISTEN", listen) };
        if (address is not null)
            settings.Add(("TEST_HTTP__ADDRESS", address));
        Assert.That(HostServerSetup.Options(Read([.. settings]), () => Own).Advertised, Is.EqualTo(advertised));
    }

    [TestCase("TEST_HTTP__LISTEN", "everywhere")]
    [TestCase("TEST_HTTP__ADDRESS", "a b")]
    [TestCase("TEST_HTTP__GRACE", "1")]
    public void A_setting_that_makes_no_sense_is_told_at_the_start(string name, string value) =>
        Assert.That(() => Read((name, value)), Throws.TypeOf<ConfigurationException>());

    [Test]
    public async Task As_it_is_put_together_it_starts_and_stops_with_the_agent()
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddHostServer(Read(("TEST_HTTP__LISTEN", "127.0.0.1:0")), () => Own)
            .BuildServiceProvider();
        var hosted = services.GetServices<IHostedService>().Single();

        await hosted.StartAsync(CancellationToken.None);
        var identity = services.GetRequiredService<HostServer>().Identity;
        await hosted.StopAsync(CancellationToken.None);

        Assert.That(identity!.Endpoint, Does.StartWith("https://127.0.0.1:"));
    }

    private static ConfigurationValues Read(params (string Name, string Value)[] environment) =>
        ConfigurationReader.Read(Schema, null, environment.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
