using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Outage;

/// <summary>The journal did not take an order.</summary>
/// <param name="isUndone">Whether it is certain that nothing of it is left on the disk.</param>
public sealed class JournalException(string message, bool isUndone, Exception? inner = null) : Exception(message, inner)
{
    public bool IsUndone { get; } = isUndone;
}

/// <summary>A file of the journal that could not be trusted.</summary>
/// <param name="MovedTo">Where it is now.</param>
/// <param name="Why">What is wrong with it.</param>
internal sealed record JournalDamage(string MovedTo, string Why);

/// <summary>
/// The orders that wait for the database, in memory and on the disk; the room's README says how. Not for several threads:
/// whoever owns it lets in one at a time.
/// </summary>
/// <remarks>
/// Invariant: between two calls the disk holds what <see cref="Orders"/> says, or an older state plus orders that were
/// carried out since; carrying those out again does nothing.
/// </remarks>
internal sealed class OrderJournal : IDisposable
{
    private readonly IJournalFile[] _files;
    private readonly LetGoOptions _options;
    private readonly Dictionary<(Entity, RowKey), LetGoOrder> _orders = [];
    private readonly Dictionary<(string Owner, string Key), JournaledRequest> _requests = [];
    private int _active;
    private long _generation;

    // What of the active file is acknowledged, and whether there may be more behind it.
    private long _length;
    private bool _isDirty;
    private bool _isOtherDirty;

    /// <summary>Reads what is there, and drops what never was acknowledged.</summary>
    /// <exception cref="IOException">The disk fails.</exception>
    public OrderJournal(IJournalFile a, IJournalFile b, EntityCatalog catalog, LetGoOptions options, TimeProvider time)
    {
        _files = [a, b];
        _options = options;
        var texts = _files.Select(file => JournalText.Read(file.Read(), catalog)).ToArray();
        var suffix = time.GetUtcNow().ToString("'damaged-'yyyyMMdd'T'HHmmssfff", System.Globalization.CultureInfo.InvariantCulture);
        Damage = [.. _files.Zip(texts).Where(pair => pair.Second.Damage is not null)
            .Select(pair => new JournalDamage(pair.First.MoveAside(suffix), pair.Second.Damage!))];
        _active = texts[1].Newness > texts[0].Newness ? 1 : 0;
        _generation = texts.Max(text => text.Generation ?? 0);
        if (texts[_active] is not { Generation: not null, Damage: null } newest)
        {
            Rewrite();
            return;
        }
        foreach (var line in newest.Lines)
            Apply(line);
        _length = newest.Length;
        _files[_active].Truncate(_length);
    }

    /// <summary>What could not be read.</summary>
    public IReadOnlyList<JournalDamage> Damage { get; }

    public IReadOnlyCollection<LetGoOrder> Orders => _orders.Values;

    public IReadOnlyCollection<JournaledRequest> Requests => _requests.Values;

    public JournaledRequest? Find(RequestKey key) => _requests.GetValueOrDefault((key.Owner, key.Key));

    public LetGoOrder? Find(Entity entity, RowKey key) => _orders.GetValueOrDefault((entity, key));

    /// <summary>Takes orders and withdraws others, all or none; on the disk when this returns.</summary>
    /// <param name="orders">Each replaces an older one of its row.</param>
    /// <param name="withdrawn">The ids of orders that count no more.</param>
    /// <param name="request">Where they come from; null for a request that is not to be repeated.</param>
    /// <exception cref="JournalException">It did not.</exception>
    public void Take(IReadOnlyList<LetGoOrder> orders, IReadOnlyList<Guid> withdrawn, JournaledRequest? request = null)
    {
        if (request is not null && _requests.Count >= _options.Orders)
            throw new JournalException($"More than {_options.Orders} requests wait for the database.", isUndone: true);
        if (_orders.Count + orders.Count(order => Find(order.Entity, order.Key) is null) > _options.Orders)
            throw new JournalException($"More than {_options.Orders} orders wait for the database.", isUndone: true);
        var line = new JournalLine(null, orders, withdrawn)
        {
            Requests = request is null ? [] : [request],
        };
        var bytes = line.Encode();
        if (_length + bytes.Length > _options.Bytes)
            MakeRoom(bytes.Length);
        Append(bytes);
        Apply(line);
    }

    /// <summary>The write of the order begins; from now on it may stand. Does nothing for one that was replaced.</summary>
    /// <returns>Whether it still counts.</returns>
    public bool Begin(LetGoOrder order)
    {
        if (Find(order.Entity, order.Key) is not { } found || found.Id != order.Id)
            return false;
        _orders[(order.Entity, order.Key)] = found with { MayStand = true };
        return true;
    }

    /// <summary>The order needs nothing more. The disk is told when the last one is done.</summary>
    /// <returns>Whether it counted until now.</returns>
    public bool Finish(LetGoOrder order) =>
        Find(order.Entity, order.Key)?.Id == order.Id && _orders.Remove((order.Entity, order.Key));

    /// <summary>The database knows of the request, and so will whoever asks for it.</summary>
    public bool Finish(JournaledRequest request) => _requests.Remove((request.Key.Owner, request.Key.Key));

    /// <summary>Writes down what is left, so that nothing that was done is tried again; durable when this returns.</summary>
    /// <exception cref="IOException">The disk fails; then it will be tried again, which does nothing.</exception>
    public void Rewrite()
    {
        var other = 1 - _active;
        // Half written, the other file might be taken for the newest: then nothing may be added to this one.
        _isOtherDirty = true;
        _files[other].Truncate(0);
        var line = new JournalLine(_generation + 1, [.. _orders.Values], [])
        {
            Requests = [.. _requests.Values],
        };
        var bytes = line.Encode();
        _files[other].Append(bytes);
        // The old file stays as it is, since it is the older one, until it is written anew.
        (_active, _generation, _length, _isDirty, _isOtherDirty) = (other, _generation + 1, bytes.Length, false, false);
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private void Apply(JournalLine line)
    {
        foreach (var order in line.Orders)
            _orders[(order.Entity, order.Key)] = order;
        foreach (var request in line.Requests)
            _requests[(request.Key.Owner, request.Key.Key)] = request;
        if (line.Done.Count == 0)
            return;
        var done = line.Done.ToHashSet();
        foreach (var order in _orders.Values.Where(order => done.Contains(order.Id)).ToList())
            _orders.Remove((order.Entity, order.Key));
    }

    private void MakeRoom(int bytes)
    {
        try
        {
            Rewrite();
        }
        catch (IOException e)
        {
            throw new JournalException("The journal cannot be written anew.", isUndone: true, e);
        }
        if (_length + bytes > _options.Bytes)
            throw new JournalException($"The orders that wait for the database fill {_options.Bytes} bytes.", isUndone: true);
    }

    private void Append(byte[] bytes)
    {
        var file = _files[_active];
        try
        {
            if (_isOtherDirty)
                _files[1 - _active].Truncate(0);
            _isOtherDirty = false;
            if (_isDirty)
                file.Truncate(_length);
            _isDirty = true;
        }
        catch (IOException e)
        {
            throw new JournalException("The journal still has the remains of an order that could not be written.", isUndone: true, e);
        }
        try
        {
            file.Append(bytes);
        }
        catch (IOException e)
        {
            throw Undo(file, e);
        }
        _length += bytes.Length;
        _isDirty = false;
    }

    private JournalException Undo(IJournalFile file, IOException failure)
    {
        try
        {
            file.Truncate(_length);
            _isDirty = false;
            return new JournalException("The disk did not take the order.", isUndone: true, failure);
        }
        catch (IOException e)
        {
            return new JournalException("The disk did not take the order, or did not say so.", isUndone: false, new AggregateException(failure, e));
        }
    }
}
