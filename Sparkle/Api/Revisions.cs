using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// How clients see the revision of the state: as text that means something to this run of the controller only.
/// </summary>
/// <remarks>
/// Counted revisions would tell every tenant how busy the others are. So the text is the number, enciphered with a key
/// that is made at each start: one of another run is no number under this key, and nobody makes one up.
/// </remarks>
public sealed class Revisions : IDisposable
{
    /// <summary>The header of every read that says what it has seen.</summary>
    public const string Header = "PonyCloud-Revision";

    private const int BlockLength = 16;
    private const int TextLength = 22;

    private readonly Aes _cipher = Aes.Create();
    private readonly Lock _gate = new();
    private volatile Known _newest;

    public Revisions()
    {
        _cipher.GenerateKey();
        _newest = new Known(0, Encipher(0));
    }

    private sealed record Known(long Revision, string Text);

    public string TextOf(StateSnapshot snapshot) => TextOf(snapshot.Revision);

    public string TextOf(long revision)
    {
        // Most reads see the same state, so nearly all of them end here.
        var newest = _newest;
        if (newest.Revision == revision)
            return newest.Text;
        var text = Encipher(revision);
        if (revision > newest.Revision)
            _newest = new Known(revision, text);
        return text;
    }

    /// <summary>Whether a text can be a revision at all, of this run or of another.</summary>
    public static bool IsWellFormed(string text)
    {
        Span<byte> block = stackalloc byte[BlockLength];
        return text.Length == TextLength
            && Base64Url.DecodeFromChars(text, block, out _, out var length) == OperationStatus.Done
            && length == BlockLength;
    }

    /// <summary>The revision that a text stands for; null for one of another run.</summary>
    /// <exception cref="ArgumentException">It is not well formed.</exception>
    public long? Read(string text)
    {
        if (!IsWellFormed(text))
            throw new ArgumentException("This is no revision.", nameof(text));
        Span<byte> block = stackalloc byte[BlockLength];
        lock (_gate)
            _cipher.DecryptEcb(Base64Url.DecodeFromChars(text), block, PaddingMode.None);
        var revision = BinaryPrimitives.ReadInt64BigEndian(block[8..]);
        return BinaryPrimitives.ReadInt64BigEndian(block) == 0 && revision >= 0 ? revision : null;
    }

    public void Dispose() => _cipher.Dispose();

    private string Encipher(long revision)
    {
        Span<byte> block = stackalloc byte[BlockLength];
        BinaryPrimitives.WriteInt64BigEndian(block[8..], revision);
        Span<byte> hidden = stackalloc byte[BlockLength];
        lock (_gate)
            _cipher.EncryptEcb(block, hidden, PaddingMode.None);
        return Base64Url.EncodeToString(hidden);
    }
}
