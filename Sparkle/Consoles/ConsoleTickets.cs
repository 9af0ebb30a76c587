using System.Security.Cryptography;
using System.Text;
using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>The tickets that nobody has used yet, in memory only; any thread.</summary>
internal sealed class ConsoleTickets(ConsoleOptions options, TimeProvider time)
{
    private const int Length = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (ConsoleTicket Ticket, DateTimeOffset Expires)> _waiting = new(StringComparer.Ordinal);

    /// <returns>The text by which it is used, and until when.</returns>
    /// <exception cref="ProblemException">Too many wait.</exception>
    public (string Text, DateTimeOffset Expires) Issue(ConsoleTicket ticket)
    {
        var text = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Length));
        var now = time.GetUtcNow();
        var expires = now + options.TicketLifetime;
        lock (_gate)
        {
            foreach (var (key, _) in _waiting.Where(entry => entry.Value.Expires <= now).ToList())
                _waiting.Remove(key);
            if (_waiting.Count >= options.TicketsMax)
            {
                throw new ProblemException(new Problem(ProblemKind.Unavailable, "Too many tickets for consoles wait to be used.")
                {
                    RetryAfter = options.RetryAfter,
                });
            }
            _waiting.Add(KeyOf(text), (ticket, expires));
        }
        return (text, expires);
    }

    /// <summary>Uses a ticket up.</summary>
    /// <returns>Null when it is none, was used, or has waited too long.</returns>
    public ConsoleTicket? Redeem(string text)
    {
        lock (_gate)
            return _waiting.Remove(KeyOf(text), out var found) && found.Expires > time.GetUtcNow() ? found.Ticket : null;
    }

    // How long a search takes says something of what was searched for; of a digest it says nothing.
    private static string KeyOf(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
