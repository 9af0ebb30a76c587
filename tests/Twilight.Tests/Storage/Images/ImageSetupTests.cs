using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageSetupTests
{
    private static readonly ConfigurationSchema Schema = new("TEST_", ImageSetup.Keys);

    [Test]
    public void Settings_become_the_bounds_of_a_fetch()
    {
        var options = ImageSetup.FetchOptions(Read(
            ("TEST_IMAGES__CONTENT_MAX", "3"),
            ("TEST_IMAGES__RATE_MIN", "2"),
            ("TEST_IMAGES__STALL_WINDOW", "5")));
        Assert.Multiple(() =>
        {
            Assert.That(options.BytesMax, Is.EqualTo(3 << 20));
            Assert.That(options.RateMin, Is.EqualTo(2048));
            Assert.That(options.StallWindow, Is.EqualTo(TimeSpan.FromSeconds(5)));
        });
    }

    [TestCase("10.0.0.0")]
    [TestCase("10.0.0.1/8")]
    [TestCase("10.0.0.0/8,nowhere")]
    public void A_network_that_is_none_is_told_at_the_start(string networks) =>
        Assert.That(() => Read(("TEST_IMAGES__PLATFORM_NETWORKS", networks)), Throws.TypeOf<ConfigurationException>());

    [Test]
    public async Task As_it_is_put_together_it_fetches_for_operators_and_keeps_tenants_off_this_host()
    {
        using var directory = new TemporaryDirectory("images");
        await using var server = await ImageServer.StartAsync(new CuttableContent(new byte[1024]).AnswerAsync);
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IToolRunner>(new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance))
            .AddImages(Read(("TEST_IMAGES__PLATFORM_NETWORKS", "10.77.0.0/16")))
            .BuildServiceProvider();
        var fetcher = services.GetRequiredService<IImageFetcher>();
        // A name, so that the resolver of the machine takes part.
        var source = $"http://localhost:{server.Address.Port}/";

        await fetcher.FetchAsync(FetcherBench.Image(source), directory["image"], null, CancellationToken.None);
        var inspector = services.GetRequiredService<IImageInspector>();
        var seen = await inspector.InspectAsync(directory["image"], ImageType.Disk, CancellationToken.None);

        Assert.That(seen, Is.EqualTo(new InspectedImage(ImageFormat.Raw, 1024)));
        foreach (var inside in new[] { source, "http://10.77.0.1/" })
        {
            var image = FetcherBench.TenantImage(inside);
            var refusal = await Assert.ThrowsAsync<ImageException>(
                () => fetcher.FetchAsync(image, directory["image"], null, CancellationToken.None));
            Assert.That(refusal!.Failure, Is.EqualTo(ImageFailure.Refused));
        }
    }

    private static ConfigurationValues Read(params (string Name, string Value)[] environment) =>
        ConfigurationReader.Read(Schema, null, environment.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
