using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Consoles;

/// <summary>Places for open consoles, for all and for each tenant; any thread.</summary>
internal sealed class ConsoleSlots(ConsoleOptions options)
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

    /// <returns>A place, given back by disposing of it once.</returns>
    /// <exception cref="ProblemException">There is none.</exception>
    public IDisposable Take(string tenant)
    {
        lock (_gate)
        {
            var own = _taken.GetValueOrDefault(tenant);
            if (own >= options.MaxPerTenant)
                throw Refused(ProblemKind.TooManyStreams, $"The tenant has {own} consoles open, and no more at once.");
            if (_all >= options.Max)
                throw Refused(ProblemKind.Unavailable, $"There are {_all} consoles open, and no more at once.");
            _taken[tenant] = own + 1;
            _all++;
        }
        return new Slot(this, tenant);
    }

    private ProblemException Refused(ProblemKind kind, string why) => new(new Problem(kind, why) { RetryAfter = options.RetryAfter });

    private void Return(string tenant)
    {
        lock (_gate)
        {
            _all--;
            if (--_taken[tenant] == 0)
                _taken.Remove(tenant);
        }
    }

    private sealed class Slot(ConsoleSlots owner, string tenant) : IDisposable
    {
        public void Dispose() => owner.Return(tenant);
    }
}
