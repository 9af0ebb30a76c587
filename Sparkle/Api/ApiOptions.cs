using System.Net;
using PonyCloud.Sparkle.Api.Tls;
using PonyCloud.Sparkle.Api.Watching;

namespace PonyCloud.Sparkle.Api;

/// <summary>How the REST API is served.</summary>
public sealed record ApiOptions
{
    /// <summary>
    /// Where to listen: <c>http://</c> or <c>https://</c>, an IP address and a port; port 0 takes a free one. Several are
    /// separated by commas.
    /// </summary>
    public string Listen { get; init; } = "http://127.0.0.1:9860";

    /// <summary>
    /// Passwords and tokens would travel in the clear, so plain HTTP on an address that is not loopback must be asked for;
    /// there, a proxy that speaks TLS belongs in front.
    /// </summary>
    public bool AllowPlainHttpBeyondLoopback { get; init; }

    /// <summary>The certificate for HTTPS in PEM, with the chain behind it; read again when it changes.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The key of the certificate in PEM, without a password; read again when it changes.</summary>
    public string? CertificateKeyFile { get; init; }

    /// <summary>Addresses and networks of proxies that may say from where a request came.</summary>
    public IReadOnlyList<string> TrustedProxies { get; init; } = [];

    /// <summary>File with the token that reads the metrics, and nothing else; null leaves them to operators.</summary>
    public string? MetricsTokenFile { get; init; }

    /// <summary>How many connections may be open at a time.</summary>
    public int Connections { get; init; } = 4096;

    /// <summary>How many requests without a token one network may make a second.</summary>
    public int AnonymousPerSecond { get; init; } = 50;

    /// <summary>Directory for what must outlive a restart: the key that signs tokens.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>How long a token is valid.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>The largest request body, bytes.</summary>
    public int BodyLimit { get; init; } = 1024 * 1024;

    /// <summary>How many operations one patch may have, and how many rows templates may make in one request.</summary>
    public int PatchOperations { get; init; } = 10_000;

    /// <summary>How many failed logins one remote address may make for one user within <see cref="LoginWindow"/>.</summary>
    public int LoginFailures { get; init; } = 10;

    public TimeSpan LoginWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <inheritdoc cref="WatchOptions"/>
    public WatchOptions Watch { get; init; } = new();

    /// <summary>The user that is made when the database has no alicorn.</summary>
    public string FirstAlicornEmail { get; init; } = "alicorn@localhost";

    /// <summary>File that takes the first alicorn's password; null shows it on the console.</summary>
    public string? FirstAlicornPasswordFile { get; init; }

    /// <summary>A shorter token for the metrics could be guessed.</summary>
    internal const int ShortestMetricsToken = 32;

    /// <summary>What is wrong with the options: the property's name and a sentence about it.</summary>
    public IEnumerable<(string Option, string Problem)> Check()
    {
        foreach (var problem in ListenTexts().Select(CheckListen).OfType<string>())
            yield return (nameof(Listen), problem);
        if (CheckCertificate() is { } certificate)
            yield return certificate;
        foreach (var proxy in TrustedProxies.Where(proxy => Api.TrustedProxies.TryParse(proxy) is null))
            yield return (nameof(TrustedProxies), $"'{proxy}' is neither an IP address nor a network.");
        if (CheckMetricsToken() is { } token)
            yield return (nameof(MetricsTokenFile), token);
        if (Connections is < 16 or > 1_000_000)
            yield return (nameof(Connections), "Must be between 16 and 1000000.");
        if (AnonymousPerSecond is < 1 or > 1_000_000)
            yield return (nameof(AnonymousPerSecond), "Must be between 1 and 1000000.");
        if (string.IsNullOrWhiteSpace(DataDirectory))
            yield return (nameof(DataDirectory), "A directory must be given.");
        if (TokenLifetime < TimeSpan.FromMinutes(1) || TokenLifetime > TimeSpan.FromDays(366))
            yield return (nameof(TokenLifetime), "Must be between one minute and 366 days.");
        if (BodyLimit is < 1024 or > 256 * 1024 * 1024)
            yield return (nameof(BodyLimit), "Must be between 1 KiB and 256 MiB.");
        if (PatchOperations is < 1 or > 1_000_000)
            yield return (nameof(PatchOperations), "Must be between 1 and 1000000.");
        if (LoginFailures < 1)
            yield return (nameof(LoginFailures), "Must be at least 1.");
        if (LoginWindow < TimeSpan.FromSeconds(1))
            yield return (nameof(LoginWindow), "Must be at least one second.");
        if (!FirstAlicornEmail.Contains('@', StringComparison.Ordinal))
            yield return (nameof(FirstAlicornEmail), $"'{FirstAlicornEmail}' is no email address.");
        foreach (var (option, problem) in Watch.Check())
            yield return ($"{nameof(Watch)}.{option}", problem);
    }

    /// <summary>Where to listen, taken apart; to be asked for when nothing is wrong with the options.</summary>
    internal IEnumerable<ListenAddress> Addresses() => ListenTexts().Select(text => ListenAddress.TryParse(text)!);

    /// <summary>The files of the certificate; null when nothing is served by HTTPS.</summary>
    internal CertificateFiles? Certificate() =>
        CertificateFile is not null && CertificateKeyFile is not null ? new CertificateFiles(CertificateFile, CertificateKeyFile) : null;

    private string[] ListenTexts() => Listen.Split(',', StringSplitOptions.TrimEntries);

    private string? CheckListen(string text) => ListenAddress.TryParse(text) switch
    {
        null => $"'{text}' is not of the form http://ADDRESS:PORT or https://ADDRESS:PORT with an IP address.",
        { IsHttps: true } when Certificate() is null => $"{text} needs a certificate and its key.",
        { IsHttps: false } plain when !IPAddress.IsLoopback(plain.Endpoint.Address) && !AllowPlainHttpBeyondLoopback =>
            $"{plain.Endpoint.Address} is not a loopback address, and plain HTTP beyond loopback is not allowed.",
        _ => null,
    };

    private string? CheckMetricsToken()
    {
        if (MetricsTokenFile is null)
            return null;
        try
        {
            return File.ReadAllText(MetricsTokenFile).Trim().Length < ShortestMetricsToken
                ? $"The token in {MetricsTokenFile} has less than {ShortestMetricsToken} characters."
                : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"{MetricsTokenFile} cannot be read: {failure.Message}";
        }
    }

    private (string Option, string Problem)? CheckCertificate()
    {
        if (CertificateFile is null != CertificateKeyFile is null)
            return (nameof(CertificateFile), "A certificate and its key go together.");
        try
        {
            Certificate()?.Load();
            return null;
        }
        catch (CertificateException refusal)
        {
            return (nameof(CertificateFile), refusal.Message);
        }
    }
}
