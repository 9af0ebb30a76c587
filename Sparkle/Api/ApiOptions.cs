using System.Net;

namespace PonyCloud.Sparkle.Api;

/// <summary>How the REST API is served.</summary>
public sealed record ApiOptions
{
    /// <summary>Where to listen: <c>http://</c>, an IP address and a port; port 0 takes a free one.</summary>
    public string Listen { get; init; } = "http://127.0.0.1:9860";

    /// <summary>
    /// Passwords and tokens would travel in the clear, so an address that is not loopback must be asked for; there, a
    /// proxy that speaks TLS belongs in front.
    /// </summary>
    public bool AllowPlainHttpBeyondLoopback { get; init; }

    /// <summary>Directory for what must outlive a restart: the key that signs tokens.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>How long a token is valid.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>The largest request body, bytes.</summary>
    public int BodyLimit { get; init; } = 1024 * 1024;

    /// <summary>How many failed logins one remote address may make for one user within <see cref="LoginWindow"/>.</summary>
    public int LoginFailures { get; init; } = 10;

    public TimeSpan LoginWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The user that is made when the database has no alicorn.</summary>
    public string FirstAlicornEmail { get; init; } = "alicorn@localhost";

    /// <summary>File that takes the first alicorn's password; null shows it on the console.</summary>
    public string? FirstAlicornPasswordFile { get; init; }

    /// <summary>What is wrong with the options: the property's name and a sentence about it.</summary>
    public IEnumerable<(string Option, string Problem)> Check()
    {
        if (ListenEndpoint(Listen) is not { } endpoint)
            yield return (nameof(Listen), $"'{Listen}' is not of the form http://ADDRESS:PORT with an IP address.");
        else if (!IPAddress.IsLoopback(endpoint.Address) && !AllowPlainHttpBeyondLoopback)
            yield return (nameof(Listen), $"{endpoint.Address} is not a loopback address, and plain HTTP beyond loopback is not allowed.");
        if (string.IsNullOrWhiteSpace(DataDirectory))
            yield return (nameof(DataDirectory), "A directory must be given.");
        if (TokenLifetime < TimeSpan.FromMinutes(1) || TokenLifetime > TimeSpan.FromDays(366))
            yield return (nameof(TokenLifetime), "Must be between one minute and 366 days.");
        if (BodyLimit is < 1024 or > 256 * 1024 * 1024)
            yield return (nameof(BodyLimit), "Must be between 1 KiB and 256 MiB.");
        if (LoginFailures < 1)
            yield return (nameof(LoginFailures), "Must be at least 1.");
        if (LoginWindow < TimeSpan.FromSeconds(1))
            yield return (nameof(LoginWindow), "Must be at least one second.");
        if (!FirstAlicornEmail.Contains('@', StringComparison.Ordinal))
            yield return (nameof(FirstAlicornEmail), $"'{FirstAlicornEmail}' is no email address.");
    }

    internal static IPEndPoint? ListenEndpoint(string listen) =>
        Uri.TryCreate(listen, UriKind.Absolute, out var uri)
        && uri is { Scheme: "http", UserInfo: "", PathAndQuery: "/", Fragment: "" }
        && IPAddress.TryParse(uri.DnsSafeHost, out var address)
            ? new IPEndPoint(address, uri.Port)
            : null;
}
