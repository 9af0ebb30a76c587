using PonyCloud.Sparkle.Api;

namespace PonyCloud.Sparkle.Transfers;

/// <summary>Places for transfers, for all and for each tenant; any thread.</summary>
public sealed class TransferSlots(TransferOptions options)
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
            if (own >= options.MaxPerTenant)
                throw Refused(ProblemKind.TooManyTransfers, $"The tenant has {own} transfers, and no more at once.");
            if (_all >= options.Max)
                throw Refused(ProblemKind.Unavailable, $"There are {_all} transfers, and no more at once.");
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

    private sealed class Slot(TransferSlots owner, string tenant) : IDisposable
    {
        private int _isReturned;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isReturned, 1) == 0)
                owner.Return(tenant);
        }
    }
}
