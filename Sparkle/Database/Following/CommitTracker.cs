using System.Threading.Channels;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>
/// Where writers learn that readers see their commit, and whether the link is up. Owned by the change stream; any thread
/// may ask.
/// </summary>
public sealed class CommitTracker
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Waiter> _waiters = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wishes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private string? _down = "The database has not been reached yet.";

    /// <summary>Why the link is down; null while it is up.</summary>
    public string? Down
    {
        get
        {
            lock (_lock)
                return _down;
        }
    }

    /// <summary>Completed reads mean that a writer waits for a commit to be seen.</summary>
    public ChannelReader<bool> Wishes => _wishes.Reader;

    /// <summary>Begins to look out for a transaction. To be called before it begins, and disposed of in the end.</summary>
    public Waiter Expect()
    {
        var waiter = new Waiter(this, Guid.NewGuid().ToString("N"));
        lock (_lock)
            _waiters.Add(waiter.Id, waiter);
        return waiter;
    }

    /// <summary>
    /// Readers are about to see a load, and whoever sees it may write: what is committed from now on is in the change stream,
    /// or in the next load.
    /// </summary>
    internal void SetUp()
    {
        lock (_lock)
            _down = null;
    }

    internal void SetDown(string why)
    {
        lock (_lock)
            _down = why;
    }

    /// <summary>Readers see everything that the snapshot sees.</summary>
    internal void Loaded(PostgresSnapshot snapshot)
    {
        lock (_lock)
        {
            foreach (var waiter in _waiters.Values)
            {
                if (waiter.Transaction is { } transaction && snapshot.Sees(transaction))
                    waiter.Complete(isCommitted: false);
            }
        }
    }

    /// <summary>Readers see the transactions with these messages.</summary>
    internal void Streamed(IReadOnlyList<string> ids)
    {
        lock (_lock)
        {
            foreach (var id in ids)
                _waiters.GetValueOrDefault(id)?.Complete(isCommitted: true);
        }
    }

    private void Remove(Waiter waiter)
    {
        lock (_lock)
            _waiters.Remove(waiter.Id);
    }

    /// <summary>One writer's transaction.</summary>
    public sealed class Waiter : IDisposable
    {
        private readonly CommitTracker _tracker;
        private readonly TaskCompletionSource<bool> _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Waiter(CommitTracker tracker, string id)
        {
            _tracker = tracker;
            Id = id;
        }

        /// <summary>Goes into the transaction as a logical message.</summary>
        public string Id { get; }

        /// <summary>
        /// Ends when readers see what the transaction did, if it committed. True when it came by the change stream, which
        /// proves that it committed.
        /// </summary>
        public Task<bool> Seen => _seen.Task;

        internal ulong? Transaction { get; private set; }

        /// <summary>To be called before the commit is sent.</summary>
        public void Begun(ulong transaction)
        {
            lock (_tracker._lock)
                Transaction = transaction;
        }

        /// <summary>Asks for a load, should the change stream not run yet.</summary>
        public void Wish() => _tracker._wishes.Writer.TryWrite(true);

        public void Dispose() => _tracker.Remove(this);

        internal void Complete(bool isCommitted) => _seen.TrySetResult(isCommitted);
    }
}
