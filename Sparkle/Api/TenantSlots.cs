namespace PonyCloud.Sparkle.Api;

/// <summary>Bounds of something of which only so many go on at once.</summary>
/// <param name="Max">For all together.</param>
/// <param name="MaxPerTenant">For each tenant.</param>
/// <param name="RetryAfter">When whoever is refused may come again.</param>
/// <param name="TooMany">What a tenant is told that has all of its own; too many of all tenants are <see cref="ProblemKind.Unavailable"/>.</param>
/// <param name="What">What goes on, in words that follow a number: <c>consoles open</c>.</param>
public sealed record SlotBounds(int Max, int MaxPerTenant, TimeSpan RetryAfter, ProblemKind TooMany, string What);

/// <summary>Places for what goes on at once, for all and for each tenant; any thread. A place is given back once, however often it is disposed of.</summary>
public abstract class TenantSlots(SlotBounds bounds)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _taken = new(StringComparer.Ordinal);
    private int _all;

    /// <summary>How many are taken.</summary>
    public int Taken
    {
        get
        {
            lock (_gate)
                return _all;
        }
    }

    /// <returns>A place, given back by disposing of it.</returns>
    /// <exception cref="ProblemException">There is none.</exception>
    public IDisposable Take(string tenant)
    {
        lock (_gate)
        {
            var own = _taken.GetValueOrDefault(tenant);
            if (own >= bounds.MaxPerTenant)
                throw Refused(bounds.TooMany, $"The tenant has {own} {bounds.What}, and no more at once.");
            if (_all >= bounds.Max)
                throw Refused(ProblemKind.Unavailable, $"There are {_all} {bounds.What}, and no more at once.");
            _taken[tenant] = own + 1;
            _all++;
        }
        return new Slot(this, tenant);
    }

    private ProblemException Refused(ProblemKind kind, string why) => new(new Problem(kind, why) { RetryAfter = bounds.RetryAfter });

    private void Return(string tenant)
    {
        lock (_gate)
        {
            _all--;
            if (--_taken[tenant] == 0)
                _taken.Remove(tenant);
        }
    }

    private sealed class Slot(TenantSlots owner, string tenant) : IDisposable
    {
        private int _isReturned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) == 0)
                owner.Return(tenant);
        }
    }
}
