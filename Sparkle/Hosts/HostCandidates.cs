using System.Buffers;
using System.Text;
using System.Text.Json;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// The strangers that are shown to operators, as rows of <c>host_candidate</c>. Pure: it says how the rows change. Bounded
/// in number, in number for each address and in size, since anybody can be a stranger.
/// </summary>
/// <param name="silence">How long a stranger may say nothing before it is forgotten.</param>
internal sealed class HostCandidates(EntityCatalog catalog, TimeSpan silence)
{
    public const int Max = 1000;

    /// <summary>How many may be known of one address; racks behind one router are rare, machines that make up keys are not.</summary>
    public const int MaxOfAddress = 8;

    /// <summary>How long an inventory may be, in bytes of JSON. That of a large machine has a fifth of it.</summary>
    public const int MaxInventory = 16 * 1024;

    private readonly Entity _candidate = catalog["host_candidate"];
    private readonly PartDeclaration _inventory = catalog["host"].Current!;

    // The one that was heard longest ago first.
    private readonly OrderedDictionary<RowKey, (HostCandidateCurrent Row, TimeSpan Heard)> _known = [];

    public int Count => _known.Count;

    /// <summary>A stranger introduced itself.</summary>
    /// <param name="clock">For people.</param>
    /// <param name="now">Monotonic.</param>
    public IEnumerable<RowChange> Heard(
        Message.TwilightEnrol introduction, PeerOrigin origin, HostRefusal why, DateTimeOffset clock, TimeSpan now)
    {
        var fingerprint = KeyFingerprint.Of(origin.Key);
        var row = new HostCandidateCurrent
        {
            Id = $"{introduction.Uuid}.{fingerprint}",
            Uuid = introduction.Uuid,
            Fingerprint = fingerprint,
            AgentKey = origin.Key,
            Address = origin.Address,
            FirstSeen = clock,
            LastSeen = clock,
            Why = why,
            Inventory = InventoryOf(introduction.Host),
        };
        var key = RowKey.Of(row.Id);
        if (_known.Remove(key, out var before))
            row = row with { FirstSeen = before.Row.FirstSeen };
        else if (Crowd(row.Address) is { } oldest)
            yield return Forget(oldest);
        _known.Add(key, (row, now));
        yield return RowChange.Set(_candidate, RowPart.Current, row);
    }

    /// <summary>Forgets who is silent.</summary>
    public IEnumerable<RowChange> Tick(TimeSpan now)
    {
        while (_known.Count > 0 && now - _known.GetAt(0).Value.Heard > silence)
            yield return Forget(_known.GetAt(0).Key);
    }

    /// <summary>Forgets those who claim to be a host and are no strangers any more.</summary>
    /// <param name="isAdmitted">Whether a key may speak for the host.</param>
    public IEnumerable<RowChange> Accept(Guid uuid, Func<PeerOrigin, bool> isAdmitted)
    {
        foreach (var (key, (row, _)) in _known.ToArray())
        {
            if (row.Uuid == uuid && isAdmitted(new PeerOrigin(row.AgentKey, row.Address)))
                yield return Forget(key);
        }
    }

    /// <summary>Who has to make room for one more from an address; null when there is room.</summary>
    private RowKey? Crowd(string address)
    {
        var neighbours = _known.Where(known => known.Value.Row.Address == address).Select(known => known.Key).ToArray();
        if (neighbours.Length >= MaxOfAddress)
            return neighbours[0];
        return _known.Count >= Max ? _known.GetAt(0).Key : null;
    }

    private RowChange Forget(RowKey key)
    {
        _known.Remove(key);
        return RowChange.Remove(_candidate, RowPart.Current, key);
    }

    private JsonText? InventoryOf(HostCurrent? host)
    {
        if (host is null)
            return null;
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = RowJson.Options.Encoder }))
            _inventory.Write(writer, host);
        return buffer.WrittenCount <= MaxInventory ? JsonText.Parse(Encoding.UTF8.GetString(buffer.WrittenSpan)) : null;
    }
}
