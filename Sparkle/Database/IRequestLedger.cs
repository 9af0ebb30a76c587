namespace PonyCloud.Sparkle.Database;

/// <summary>A request that its sender may repeat, because it might not learn the answer.</summary>
/// <param name="Owner">Who sent it.</param>
/// <param name="Key">What the sender calls it, hashed. The same owner never uses it for another request.</param>
/// <param name="Fingerprint">Tells one request from another, and nothing else about it.</param>
public sealed record RequestKey(string Owner, string Key, string Fingerprint);

/// <summary>What is kept of a request that was carried out.</summary>
/// <param name="Fingerprint">Of the request that was carried out, which may be another one.</param>
/// <param name="Answer">What it was answered, JSON.</param>
public sealed record KeptAnswer(string Fingerprint, string Answer);

/// <summary>
/// Carries out a request at most once, however often it is sent: what is kept of it is written in the transaction that it
/// is, so there is one exactly if there is the other.
/// </summary>
public interface IRequestLedger
{
    /// <summary>
    /// What is kept under the key; null when no such request was carried out. Waits for a transaction that is still under
    /// way under this key, even one of a controller or of a connection that is gone.
    /// </summary>
    /// <exception cref="RequestUnderWayException">It takes too long.</exception>
    /// <exception cref="DatabaseUnavailableException">The database cannot be reached.</exception>
    Task<KeptAnswer?> FindAsync(RequestKey key, CancellationToken cancellation);

    /// <summary>
    /// Like <see cref="IDesiredStateWriter.WriteAsync"/>, and keeps the answer. When something is kept under the key
    /// already, nothing is written, and that is returned as soon as readers see what it did.
    /// </summary>
    /// <exception cref="RequestUnderWayException">Another transaction under this key takes too long.</exception>
    Task<KeptAnswer?> WriteAsync(IReadOnlyList<RowWrite> writes, RequestKey key, string answer, CancellationToken cancellation);
}

/// <summary>The request is still being carried out.</summary>
public sealed class RequestUnderWayException(Exception? inner = null) : Exception("The request is still being carried out.", inner);
