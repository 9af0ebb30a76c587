using Microsoft.AspNetCore.Http;
using NUnit.Framework;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageFetchAddressTests
{
    private const string Public = "198.51.100.1";

    private static readonly byte[] Content = FetcherBench.Content(1000);

    private FetcherBench _bench = null!;

    [SetUp]
    public void SetUp() => _bench = new FetcherBench();

    [TearDown]
    public void TearDown() => _bench.Dispose();

    [Test]
    public async Task A_tenants_image_comes_from_a_public_address()
    {
        _bench.Network.Name("mirror.example", [Public, "2001:db8::1"]);
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        await _bench.FetchAsync(FetcherBench.TenantImage(server.Under("mirror.example")));

        Assert.That(_bench.Network.Connected, Is.EqualTo([Public]));
        Assert.That(server.Requests.Single().Headers["Host"], Does.StartWith("mirror.example"));
    }

    [TestCase("127.0.0.1")]
    [TestCase("127.1")]
    [TestCase("0x7f.1")]
    [TestCase("2130706433")]
    [TestCase("017700000001")]
    [TestCase("0")]
    [TestCase("[::1]")]
    [TestCase("[::ffff:127.0.0.1]")]
    [TestCase("[::ffff:7f00:1]")]
    [TestCase("169.254.169.254")]
    [TestCase("10.77.0.1")]
    [TestCase(FetcherBench.OwnAddress)]
    public async Task No_notation_of_an_address_leads_a_tenant_into_the_platform(string host)
    {
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage($"http://{host}:{server.Address.Port}/"));

        Assert.That(_bench.Network.Connected, Is.Empty);
    }

    [TestCase("127.0.0.1")]
    [TestCase("::ffff:127.0.0.1")]
    [TestCase(Public, "127.0.0.1")]
    [TestCase(Public, "10.77.3.4")]
    public async Task A_name_that_leads_into_the_platform_with_any_address_is_refused(params string[] addresses)
    {
        _bench.Network.Name("rebound.example", addresses);
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        var why = await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage(server.Under("rebound.example")));

        Assert.That(_bench.Network.Connected, Is.Empty);
        Assert.That(why, Does.Not.Contain(addresses[^1]), "what the platform's resolver says of a name is its own");
    }

    [Test]
    public async Task Another_answer_of_the_resolver_a_moment_later_is_never_asked_for()
    {
        _bench.Network.Name("rebound.example", [Public], ["127.0.0.1"]);
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        await _bench.FetchAsync(FetcherBench.TenantImage(server.Under("rebound.example")));

        Assert.That(_bench.Network.Connected, Is.EqualTo([Public]));
    }

    [Test]
    public async Task A_name_that_turns_against_the_platform_between_two_connections_is_refused()
    {
        _bench.Network.Name("rebound.example", [Public], ["127.0.0.1"]);
        var content = new CuttableContent(Content) { Cut = _ => 100 };
        await using var server = await ImageServer.StartAsync(content.AnswerAsync);

        await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage(server.Under("rebound.example")));

        Assert.That(_bench.Network.Connected, Is.EqualTo([Public]));
    }

    [TestCase("127.0.0.1")]
    [TestCase("[::1]")]
    [TestCase("inside.example")]
    public async Task A_redirect_does_not_lead_a_tenant_into_the_platform(string host)
    {
        _bench.Network.Name("mirror.example", [Public]).Name("inside.example", ["10.77.0.1"]);
        ImageServer? server = null;
        await using var running = server = await ImageServer.StartAsync(context =>
        {
            context.Response.Redirect($"http://{host}:{server!.Address.Port}/secret");
            return Task.CompletedTask;
        });

        await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage(server.Under("mirror.example")));

        Assert.That(server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_an_operator_wrote_is_trusted_and_where_others_redirect_to_is_not()
    {
        _bench.Network.Name("inside.example", ["127.0.0.1"]).Name("mirror.example", [Public]);
        ImageServer? server = null;
        await using var running = server = await ImageServer.StartAsync(context =>
        {
            switch (context.Request.Path.Value)
            {
                case "/here":
                    context.Response.Redirect("/image");
                    break;
                case "/mirror":
                    context.Response.Redirect(server!.Under("mirror.example"));
                    break;
                case "/inside":
                    context.Response.Redirect(server!.Under("127.0.0.1"));
                    break;
            }
            return Task.CompletedTask;
        });

        await _bench.FetchAsync(FetcherBench.Image(server.Under("inside.example", "/here")));
        await _bench.FetchAsync(FetcherBench.Image(server.Under("inside.example", "/mirror")));
        await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(server.Under("inside.example", "/inside")));
    }

    [TestCase(5, true)]
    [TestCase(6, false)]
    [TestCase(int.MaxValue, false)]
    public async Task Five_redirects_are_followed_and_no_more(int redirects, bool isFetched)
    {
        var answers = 0;
        await using var server = await ImageServer.StartAsync(context =>
        {
            if (answers++ < redirects)
                context.Response.Redirect("/image");
            return Task.CompletedTask;
        });
        var image = FetcherBench.Image(server.Address.ToString());

        if (isFetched)
            await _bench.FetchAsync(image);
        else
            Assert.That(await _bench.FailsAsync(ImageFailure.Refused, image), Does.Contain("5 times"));
        Assert.That(server.Requests, Has.Count.EqualTo(6));
    }

    [TestCase("file:///etc/passwd")]
    [TestCase("ftp://mirror.example/")]
    [TestCase("http://user:secret@mirror.example/")]
    [TestCase("gopher://mirror.example/")]
    [TestCase(null)]
    public async Task A_redirect_to_something_else_is_refused(string? location)
    {
        await using var server = await ImageServer.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status302Found;
            context.Response.Headers.Location = location;
            return Task.CompletedTask;
        });

        var why = await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.Image(server.Address.ToString()));

        Assert.That(why, Does.Contain("redirects to").And.Not.Contain("secret"));
    }

    [Test]
    public async Task A_redirect_from_https_to_http_is_refused()
    {
        var (certificate, trust) = FetcherBench.Certificate();
        using var _ = certificate;
        _bench.Options = _bench.Options with { Trust = trust };
        _bench.Network.Name("mirror.example", [Public]);
        await using var plain = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);
        await using var server = await ImageServer.StartAsync(
            context =>
            {
                context.Response.Redirect(plain.Under("mirror.example"));
                return Task.CompletedTask;
            },
            certificate);

        var why = await _bench.FailsAsync(ImageFailure.Refused, FetcherBench.TenantImage(server.Under("mirror.example")));

        Assert.That(why, Does.Contain("from https to http"));
        Assert.That(plain.Requests, Is.Empty);
    }

    [Test]
    public async Task The_next_address_is_tried_when_one_does_not_answer()
    {
        var network = new HalfDeadNetwork(dead: "198.51.100.1", alive: "198.51.100.2");
        await using var server = await ImageServer.StartAsync(new CuttableContent(Content).AnswerAsync);

        await _bench.Fetcher(network).FetchAsync(
            FetcherBench.TenantImage(server.Under("mirror.example")), _bench.Partial, null, CancellationToken.None);

        Assert.That(await File.ReadAllBytesAsync(_bench.Partial), Is.EqualTo(Content));
    }
}
