using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api.Writing;

/// <summary>
/// Reads <c>Idempotency-Key</c>, with which a client may send a request again when it does not know whether the first
/// one came through, and knows which of them are being carried out right now.
/// </summary>
/// <remarks>
/// Both the key and the request are only kept as keyed hashes: a request may hold a password, and a plain hash of
/// something short can be guessed.
/// </remarks>
public sealed class IdempotencyKeys
{
    public const string Header = "Idempotency-Key";

    private const int MaxLength = 255;

    private readonly ConcurrentDictionary<(string Owner, string Key), string> _underWay = new();
    private readonly byte[] _secret;

    /// <param name="secret">Is the same after a restart.</param>
    public IdempotencyKeys(byte[] secret) => _secret = HMACSHA256.HashData(secret, "idempotency"u8);

    /// <summary>How many requests with a key are being carried out.</summary>
    public int UnderWay => _underWay.Count;

    /// <summary>Takes the turn of a request; null when it has no key.</summary>
    /// <exception cref="ProblemException">The key is malformed, or a request with it is under way.</exception>
    internal Turn? Take(HttpRequest request, Caller caller, RequestBody body)
    {
        var header = request.Headers[Header];
        if (header.Count == 0)
            return null;
        var text = header.Count == 1 ? Parse(header[0]!.Trim()) : null;
        if (text is null)
        {
            throw new ProblemException(
                ProblemKind.MalformedRequest, $"{Header} must be one text of 1 to {MaxLength} printable ASCII characters, bare or in double quotes.");
        }
        var target = request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var about = Encoding.UTF8.GetBytes($"{request.Method}\n{target}\n{caller.Tenant}\n{body.MediaType}\n");
        var key = new RequestKey(caller.Email, Hash(Encoding.ASCII.GetBytes(text)), Hash([.. about, .. body.Bytes.Span]));
        if (_underWay.TryAdd((key.Owner, key.Key), key.Fingerprint))
            return new Turn(this, key);
        throw _underWay.TryGetValue((key.Owner, key.Key), out var other) && other != key.Fingerprint ? Reused() : IsUnderWay();
    }

    internal static ProblemException IsUnderWay() => new(new Problem(ProblemKind.RequestUnderWay, "A request with this key is still being carried out.")
    {
        RetryAfter = TimeSpan.FromSeconds(1),
    });

    internal static ProblemException Reused() =>
        new(ProblemKind.KeyReused, "The key was used for another request before. A key belongs to one request and its repetitions.");

    // A text in quotes as a structured field has it, or anything bare that cannot be taken for one.
    private static string? Parse(string header)
    {
        if (header.StartsWith('"'))
        {
            if (header.Length < 3 || header[^1] != '"')
                return null;
            var text = new StringBuilder(header.Length);
            for (var i = 1; i < header.Length - 1; i++)
            {
                if (header[i] == '"' || (header[i] == '\\' && (++i == header.Length - 1 || header[i] is not ('"' or '\\'))))
                    return null;
                text.Append(header[i]);
            }
            return IsGood(text.ToString()) ? text.ToString() : null;
        }
        return IsGood(header) && !header.AsSpan().ContainsAny("\",;\\ ") ? header : null;
    }

    private static bool IsGood(string text) => text.Length is >= 1 and <= MaxLength && !text.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(HMACSHA256.HashData(_secret, bytes));

    /// <summary>A request that is being carried out. Others with its key are refused until it is disposed of.</summary>
    internal sealed class Turn(IdempotencyKeys owner, RequestKey key) : IDisposable
    {
        public RequestKey Key { get; } = key;

        public void Dispose() => owner._underWay.TryRemove((Key.Owner, Key.Key), out _);
    }
}
