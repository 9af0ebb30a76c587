using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Logging;
using NUnit.Framework;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Tls;
using PonyCloud.TestKit.Processes;
using PonyCloud.TestKit.Time;
using PonyCloud.TestKit.Tls;

namespace PonyCloud.Sparkle.Tests.Api;

public sealed class TlsTests : ApiFixture
{
    private static readonly TestAuthority Authority = new();

    private readonly List<IDisposable> _open = [];
    private TemporaryDirectory _files = null!;

    private string Certificate => _files["tls.crt"];

    private string Key => _files["tls.key"];

    [OneTimeTearDown]
    public void ForgetAuthority() => Authority.Dispose();

    protected override ApiOptions Options(ApiOptions options)
    {
        _files = new TemporaryDirectory();
        Put(Authority.Issue("first"));
        return options with { Listen = "https://127.0.0.1:0", CertificateFile = Certificate, CertificateKeyFile = Key };
    }

    [TearDown]
    public void RemoveFiles()
    {
        foreach (var one in _open)
            one.Dispose();
        _open.Clear();
        _files.Dispose();
    }

    [Test]
    public async Task A_client_that_knows_only_the_root_is_served([Values(SslProtocols.Tls12, SslProtocols.Tls13)] SslProtocols protocol)
    {
        var stream = await ConnectAsync(protocol);
        Assert.That(stream.SslProtocol, Is.EqualTo(protocol));
        var answer = await PingAsync(stream);
        Assert.That(answer, Does.StartWith("HTTP/1.1 200 "));
        Assert.That(answer, Does.Contain("Strict-Transport-Security: max-age=31536000"));
    }

    [Test]
    public async Task A_new_certificate_counts_from_the_next_connection_on()
    {
        var old = await ConnectAsync();
        Assert.That(NameOf(old), Is.EqualTo("CN=first"));
        // As certbot and cert-manager do it: the names are links, and what they point at is another.
        var (certificate, key) = Authority.Issue("second");
        foreach (var (name, text) in new[] { (Certificate, certificate), (Key, key) })
        {
            await File.WriteAllTextAsync($"{name}.2", text);
            File.CreateSymbolicLink($"{name}.link", $"{name}.2");
            File.Move($"{name}.link", name, overwrite: true);
        }
        Service<ServerCertificate>().Look();
        Assert.That(NameOf(await ConnectAsync()), Is.EqualTo("CN=second"));
        Assert.That(await PingAsync(old), Does.StartWith("HTTP/1.1 200 "));
        Assert.That(Log.Lines, Has.Some.Contains($"New connections get the certificate in {Certificate}: CN=second"));

        Put(Authority.Issue("third"));
        Service<ServerCertificate>().Look();
        Assert.That(NameOf(await ConnectAsync()), Is.EqualTo("CN=third"));
    }

    [TestCase("nonsense", null, "tls.crt holds no certificate in PEM")]
    [TestCase("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", null, "tls.crt holds no certificates in PEM")]
    [TestCase(null, "nonsense", "tls.key")]
    [TestCase("", "", "tls.crt holds no certificate in PEM")]
    public async Task What_cannot_be_served_changes_nothing_and_is_named(string? certificate, string? key, string why)
    {
        if (certificate is not null)
            Replace(Certificate, certificate);
        if (key is not null)
            Replace(Key, key);
        Service<ServerCertificate>().Look();
        Service<ServerCertificate>().Look();
        Assert.That(NameOf(await ConnectAsync()), Is.EqualTo("CN=first"));
        Assert.That(Log.Lines.Where(line => line.Contains("The certificate stays", StringComparison.Ordinal)).ToList(),
            Has.Count.EqualTo(1).And.All.Contains(why));
    }

    [Test]
    public async Task A_key_of_another_certificate_is_noticed_and_the_right_one_taken_when_it_comes()
    {
        var (certificate, key) = Authority.Issue("second");
        Replace(Certificate, certificate);
        Service<ServerCertificate>().Look();
        Assert.That(Log.Lines, Has.Some.Contains("tls.key is not the key of the first certificate in"));
        Assert.That(NameOf(await ConnectAsync()), Is.EqualTo("CN=first"));
        File.Delete(Key);
        Service<ServerCertificate>().Look();
        Assert.That(Log.Lines, Has.Some.Contains("tls.key cannot be read"));
        Replace(Key, key);
        Service<ServerCertificate>().Look();
        Assert.That(NameOf(await ConnectAsync()), Is.EqualTo("CN=second"));
    }

    [Test]
    public async Task Plain_http_on_the_port_is_answered_by_nothing()
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        await client.GetStream().WriteAsync("GET /self/ping HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream());
        Assert.That(await reader.ReadToEndAsync(), Is.Empty);
    }

    [TestCase(30, null)]
    [TestCase(10, "Warning")]
    [TestCase(-1, "Error")]
    public void A_certificate_that_ends_is_told_of_ahead(int days, string? level)
    {
        var time = new SteppedTime();
        Put(Authority.Issue("ends", time.GetUtcNow().AddDays(days)));
        using var log = new LogRecorder();
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(log));
        using var served = new ServerCertificate(new CertificateFiles(Certificate, Key), time, loggers.CreateLogger<ServerCertificate>());
        served.Look();
        served.Look();
        Assert.That(log.Lines, Has.Count.EqualTo(level is null ? 0 : 1));
        time.Advance(TimeSpan.FromHours(13));
        served.Look();
        Assert.That(log.Lines, Has.Count.EqualTo(level is null ? 0 : 2).And.All.StartsWith(level ?? ""));
    }

    [Test]
    public void What_cannot_be_served_is_refused_at_the_start()
    {
        var options = new ApiOptions { Listen = "https://192.0.2.1:443", DataDirectory = "/nowhere" };
        Assert.That(options.Check().Single().Option, Is.EqualTo(nameof(ApiOptions.Listen)));
        Assert.That((options with { CertificateFile = Certificate, CertificateKeyFile = Key }).Check(), Is.Empty);
        File.Delete(Key);
        var problem = (options with { CertificateFile = Certificate, CertificateKeyFile = Key }).Check().Single();
        Assert.That(problem.Option, Is.EqualTo(nameof(ApiOptions.CertificateFile)));
        Assert.That(problem.Problem, Does.Contain(Key));
    }

    private void Put((string Certificate, string Key) pair)
    {
        Replace(Certificate, pair.Certificate);
        Replace(Key, pair.Key);
    }

    // Whole, since the server looks at the files in its own time as well.
    private static void Replace(string name, string text)
    {
        File.WriteAllText($"{name}.new", text);
        File.Move($"{name}.new", name, overwrite: true);
    }

    private static string NameOf(SslStream stream) => stream.RemoteCertificate!.Subject;

    private static async Task<string> PingAsync(SslStream stream)
    {
        await stream.WriteAsync("GET /self/ping HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!text.ToString().Contains("pong", StringComparison.Ordinal))
        {
            var length = await stream.ReadAsync(buffer);
            if (length == 0)
                break;
            text.Append(Encoding.ASCII.GetString(buffer, 0, length));
        }
        return text.ToString();
    }

    private async Task<SslStream> ConnectAsync(SslProtocols protocol = SslProtocols.None)
    {
        var client = new TcpClient();
        _open.Add(client);
        await client.ConnectAsync(IPAddress.Loopback, Address.Port);
        var stream = new SslStream(client.GetStream());
        _open.Add(stream);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "127.0.0.1",
            EnabledSslProtocols = protocol,
            CertificateChainPolicy = Authority.Policy(),
        });
        return stream;
    }
}
