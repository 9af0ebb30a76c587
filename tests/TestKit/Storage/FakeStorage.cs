using PonyCloud.Twilight.Storage;

namespace PonyCloud.TestKit.Storage;

/// <summary>
/// What stands behind fake pools, as a disk or a server does. Calls can be held and made to fail, the server can hang or be away, and
/// somebody else can change what is there.
/// </summary>
public sealed class FakeStorage
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, FakeObject> _objects = [];
    private readonly Dictionary<string, FakeGate> _gates = [];
    private readonly Dictionary<string, Queue<StorageException>> _failures = [];
    private readonly List<string> _calls = [];
    private long _version;

    /// <summary>Names it in block nodes.</summary>
    public Guid Id { get; } = Guid.NewGuid();

    public PoolAbilities Abilities { get; init; } = new() { Publishes = true, Clones = true, Snapshots = true, KeepsImages = true };

    /// <summary>The units of a pool of such, with their sizes in MiB; null for a pool with names.</summary>
    public Dictionary<int, long>? Units { get; init; }

    /// <summary>MiB.</summary>
    public long Capacity { get; set; } = 1 << 20;

    /// <summary>Why nobody reaches it; null when it is there.</summary>
    public string? Away { get; set; }

    /// <summary>Why nobody reaches it before it is prepared again; null when that is not so.</summary>
    public string? Dropped { get; set; }

    /// <summary>It takes calls and never answers.</summary>
    public bool Hangs { get; set; }

    /// <summary>The calls that change something, in the order in which they began, such as <c>create NAME</c>.</summary>
    public IReadOnlyList<string> Calls => Locked(() => _calls.ToList());

    /// <summary>What the objects are called.</summary>
    public IReadOnlyList<string> Names => Locked(() => _objects.Keys.Order(StringComparer.Ordinal).ToList());

    /// <summary>Holds the next calls until the gate is opened.</summary>
    /// <param name="call">A call such as <c>create</c>, of whatever object, or <c>create NAME</c>.</param>
    public FakeGate Hold(string call)
    {
        var gate = new FakeGate();
        Locked(() => _gates[call] = gate);
        return gate;
    }

    /// <summary>Lets the next call fail, also with what it would have done.</summary>
    public void Fail(string call, StorageFailure failure, string message) => Locked(() =>
    {
        if (!_failures.TryGetValue(call, out var queue))
            _failures.Add(call, queue = new Queue<StorageException>());
        queue.Enqueue(new StorageException(failure, message));
        return queue;
    });

    /// <summary>Somebody else makes an object.</summary>
    public void Add(string text, long size) => Locked(() => _objects[text] = new FakeObject { Size = size, Version = ++_version });

    /// <summary>Somebody else takes an object away.</summary>
    public void Lose(string text) => Locked(() => _objects.Remove(text));

    /// <summary>What a MiB of an object holds; null when there is no such object.</summary>
    public byte? Read(string text, long mib) => Locked(() => _objects.TryGetValue(text, out var found) ? found.Read(mib) : (byte?)null);

    public void Write(string text, long mib, byte value) => Locked(() =>
    {
        Find(text).Content[mib] = value;
        return Full();
    });

    internal T Locked<T>(Func<T> act)
    {
        lock (_gate)
            return act();
    }

    internal long NextVersion() => ++_version;

    internal Dictionary<string, FakeObject> Objects => _objects;

    internal FakeObject Find(string text) => _objects.TryGetValue(text, out var found)
        ? found
        : throw new StorageException(StorageFailure.Missing, $"{text} is not there.");

    internal long Used => _objects.Values.Sum(found => (long)found.Content.Count);

    internal bool Full() => Used <= Capacity
        ? false
        : throw new StorageException(StorageFailure.Full, "No space left on device");

    internal async Task<T> CallAsync<T>(string call, string target, bool isChange, Func<T> act, CancellationToken cancellationToken)
    {
        var name = target.Length > 0 ? $"{call} {target}" : call;
        FakeGate? gate;
        lock (_gate)
        {
            if (isChange)
                _calls.Add(name);
            gate = _gates.GetValueOrDefault(name) ?? _gates.GetValueOrDefault(call);
        }
        // As real ones, none answers before it has let go of whoever called.
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        if (Hangs)
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        if (gate is not null)
            await gate.PassAsync(cancellationToken);
        lock (_gate)
        {
            if (call == "prepare")
                Dropped = null;
            if ((Away ?? Dropped) is { } why)
                throw new StorageException(StorageFailure.Unreachable, why);
            foreach (var key in (string[])[name, call])
            {
                if (_failures.TryGetValue(key, out var queue) && queue.TryDequeue(out var failure))
                    throw failure;
            }
            cancellationToken.ThrowIfCancellationRequested();
            return act();
        }
    }
}

/// <summary>Holds calls until it is opened.</summary>
public sealed class FakeGate
{
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Somebody waits.</summary>
    public Task Arrived => _arrived.Task;

    public void Open() => _open.TrySetResult();

    internal Task PassAsync(CancellationToken cancellationToken)
    {
        _arrived.TrySetResult();
        return _open.Task.WaitAsync(cancellationToken);
    }
}

/// <summary>An object of a fake storage: what its MiB hold, as far as that is not zeros.</summary>
internal sealed class FakeObject
{
    public required long Size { get; set; }

    public required long Version { get; init; }

    public string? Backing { get; init; }

    public Dictionary<long, byte> Content { get; set; } = [];

    public List<FakeSnapshot> Snapshots { get; } = [];

    public byte Read(long mib) => Content.GetValueOrDefault(mib);
}

internal sealed record FakeSnapshot(Guid Uuid, long Size, Dictionary<long, byte> Content);
