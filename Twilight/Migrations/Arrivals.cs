using System.Security.Cryptography;
using System.Text;

namespace PonyCloud.Twilight.Migrations;

/// <summary>
/// Who may come in through the door of this host, and who is going through it; for those who bring instances and for those who read
/// what instances left behind, each.
/// <code>
///            expected                      no longer expected
///   (none) ───────────► EXPECTED(ticket) ────────────────────► (none), what is open is cut
/// </code>
/// </summary>
internal sealed class Arrivals : IDisposable
{
    private const int TicketBytes = 32;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Arrival> _arrivals = [];
    private readonly Dictionary<Guid, int> _open = [];

    /// <summary>Somebody came through, or left.</summary>
    public event Action? Changed;

    /// <returns>Whether somebody is expected now who was not, or the other way round.</returns>
    public bool Become(IReadOnlyDictionary<Guid, string> definitions)
    {
        List<Arrival> gone = [];
        var hasCome = false;
        lock (_gate)
        {
            foreach (var instance in _arrivals.Keys.Where(instance => !definitions.ContainsKey(instance)).ToList())
            {
                _arrivals.Remove(instance, out var arrival);
                gone.Add(arrival!);
            }
            foreach (var (instance, definition) in definitions)
            {
                if (_arrivals.TryGetValue(instance, out var arrival))
                {
                    arrival.Definition = definition;
                    continue;
                }
                _arrivals.Add(instance, new Arrival(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(TicketBytes)), definition));
                hasCome = true;
            }
        }
        // Outside: whoever is cut off comes back here.
        foreach (var arrival in gone)
            arrival.Dispose();
        return hasCome || gone.Count > 0;
    }

    public string? TicketOf(Guid instance)
    {
        lock (_gate)
            return _arrivals.GetValueOrDefault(instance)?.Ticket;
    }

    public bool IsOpen(Guid instance)
    {
        lock (_gate)
            return _open.ContainsKey(instance);
    }

    /// <summary>Whether it is expected, and this is its ticket. Takes the same time however wrong it is.</summary>
    public bool Knows(Guid instance, string ticket)
    {
        lock (_gate)
            return IsTicket(_arrivals.GetValueOrDefault(instance), ticket);
    }

    /// <summary>Lets somebody with a ticket through; null for one that is not expected, or has another.</summary>
    public Pass? Admit(Guid instance, string ticket)
    {
        Pass pass;
        lock (_gate)
        {
            var arrival = _arrivals.GetValueOrDefault(instance);
            if (!IsTicket(arrival, ticket))
                return null;
            _open[instance] = _open.GetValueOrDefault(instance) + 1;
            pass = new Pass(this, instance, arrival!.Definition, arrival.Withdrawn);
        }
        Changed?.Invoke();
        return pass;
    }

    public void Dispose() => Become(new Dictionary<Guid, string>());

    private void Leave(Guid instance)
    {
        lock (_gate)
        {
            if (--_open[instance] == 0)
                _open.Remove(instance);
        }
        Changed?.Invoke();
    }

    private static bool IsTicket(Arrival? arrival, string ticket) =>
        CryptographicOperations.FixedTimeEquals(Hash(ticket), Hash(arrival?.Ticket ?? "")) && arrival is not null;

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Somebody is on the way through; disposed of by whoever lets through, when that has ended.</summary>
    internal sealed class Pass(Arrivals arrivals, Guid instance, string definition, CancellationToken withdrawn) : IDisposable
    {
        private int _isDisposed;

        public string Definition => definition;

        /// <summary>Cancelled when the instance is no longer expected.</summary>
        public CancellationToken Withdrawn => withdrawn;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                arrivals.Leave(instance);
        }
    }

    private sealed class Arrival : IDisposable
    {
        private readonly CancellationTokenSource _withdrawn = new();

        public Arrival(string ticket, string definition)
        {
            Ticket = ticket;
            Definition = definition;
            Withdrawn = _withdrawn.Token;
        }

        public string Ticket { get; }

        public string Definition { get; set; }

        public CancellationToken Withdrawn { get; }

        public void Dispose()
        {
            _withdrawn.Cancel();
            _withdrawn.Dispose();
        }
    }
}
