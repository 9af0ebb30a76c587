using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>What dnsmasq reads for a switch.</summary>
/// <param name="Main">Read at the start only: what it listens on and which networks it serves.</param>
/// <param name="Hosts">Names and addresses. This and what follows it reads again when it is told to.</param>
/// <param name="Guests">Which card is given which address.</param>
/// <param name="Options">What guests are told beside.</param>
/// <param name="Upstream">Where it asks for what it does not know.</param>
/// <param name="Own">An address that it answers on.</param>
/// <param name="Problems">What cannot be as ordered, in words.</param>
public sealed record DnsmasqFiles(
    string Main, string Hosts, string Guests, string Options, string Upstream, IPAddress Own, ImmutableArray<string> Problems)
{
    public const string MainFile = "dnsmasq.conf";
    public const string HostsFile = "hosts";
    public const string GuestsFile = "guests";
    public const string OptionsFile = "options";
    public const string UpstreamFile = "upstream";
    public const string PidFile = "dnsmasq.pid";

    /// <summary>The files that it reads again, by name.</summary>
    public IReadOnlyList<(string Name, string Text)> Reread =>
        [(HostsFile, Hosts), (GuestsFile, Guests), (OptionsFile, Options), (UpstreamFile, Upstream)];

    /// <summary>Another one needs another start.</summary>
    public string Shape => Digest(Main);

    /// <summary>Another one needs another reading.</summary>
    public string Content => Digest(string.Join('\0', Reread.Select(file => file.Text)));

    public string All => Shape + Content;

    private static string Digest(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
