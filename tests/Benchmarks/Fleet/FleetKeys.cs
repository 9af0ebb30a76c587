using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.Benchmarks.Fleet;

/// <summary>
/// The keys of simulated hosts and of the bare server, made from a number, so that each process of the benchmark knows them
/// without being told. They are worth nothing: they open what the benchmark itself started, on loopback.
/// </summary>
internal static class FleetKeys
{
    private const string Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

    public static CurveKeys BareServer { get; } = Of("bare server");

    public static CurveKeys Of(int host) => Of(string.Create(CultureInfo.InvariantCulture, $"host {host}"));

    /// <summary>The options of a host's socket.</summary>
    /// <param name="serverKey">The public key of the other end.</param>
    public static ZeroMqOptions Client(int host, string endpoint, string serverKey) => ZeroMqOptions.Client(endpoint) with
    {
        Curve = new ZeroMqCurve.Client(Of(host), serverKey),
    };

    private static CurveKeys Of(string name)
    {
        // Z85 writes four bytes, big end first, as five digits (rfc.zeromq.org/spec/32).
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(name));
        var text = new StringBuilder();
        for (var i = 0; i < bytes.Length; i += 4)
        {
            var value = (uint)(bytes[i] << 24 | bytes[i + 1] << 16 | bytes[i + 2] << 8 | bytes[i + 3]);
            for (var divisor = 85u * 85 * 85 * 85; divisor > 0; divisor /= 85)
                text.Append(Z85[(int)(value / divisor % 85)]);
        }
        return CurveKeys.FromSecret(text.ToString());
    }
}
