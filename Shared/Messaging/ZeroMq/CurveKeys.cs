using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>
/// A key pair for CURVE, in Z85: 40 printable characters each (rfc.zeromq.org/spec/26 and /spec/32). The secret half
/// never shows in text made from this object.
/// </summary>
public sealed unsafe class CurveKeys
{
    private const int TextLength = 40;

    private static readonly SearchValues<char> Z85 =
        SearchValues.Create("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#");

    private CurveKeys(string publicKey, string secretKey)
    {
        PublicKey = publicKey;
        SecretKey = secretKey;
    }

    /// <summary>What the other side is told.</summary>
    public string PublicKey { get; }

    internal string SecretKey { get; }

    /// <exception cref="ZeroMqException">libzmq was built without CURVE.</exception>
    public static CurveKeys Generate()
    {
        var publicKey = stackalloc byte[TextLength + 1];
        var secretKey = stackalloc byte[TextLength + 1];
        if (Native.zmq_curve_keypair(publicKey, secretKey) != 0)
            throw new ZeroMqException("making a CURVE key pair", Marshal.GetLastPInvokeError());
        return new CurveKeys(Encoding.ASCII.GetString(publicKey, TextLength), Encoding.ASCII.GetString(secretKey, TextLength));
    }

    /// <summary>The pair that a secret key belongs to.</summary>
    /// <exception cref="ArgumentException">The text is not 40 characters of Z85.</exception>
    public static CurveKeys FromSecret(string secretKey)
    {
        var publicKey = stackalloc byte[TextLength + 1];
        if (IsKey(secretKey))
        {
            fixed (byte* secret = Encoding.ASCII.GetBytes(secretKey + '\0'))
            {
                if (Native.zmq_curve_public(publicKey, secret) == 0)
                    return new CurveKeys(Encoding.ASCII.GetString(publicKey, TextLength), secretKey);
            }
        }
        throw new ArgumentException("A CURVE secret key is 40 characters of Z85.", nameof(secretKey));
    }

    /// <summary>Whether a text has the form of a key: 40 characters of Z85.</summary>
    public static bool IsKey(string? text) =>
        text is { Length: TextLength } && !text.AsSpan().ContainsAnyExcept(Z85);

    /// <summary>The secret half as text, for whoever stores a generated pair.</summary>
    public string ExportSecret() => SecretKey;

    public override string ToString() => PublicKey;
}
