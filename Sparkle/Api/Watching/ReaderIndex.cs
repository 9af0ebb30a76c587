using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>Streams that show the same: of callers who read the same, with the same filter.</summary>
internal sealed class WatchView(string key, Caller caller, WatchFilter filter)
{
    public string Key => key;

    public WatchFilter Filter => filter;

    public List<Watcher> Watchers { get; } = [];

    /// <summary>The rows of the set at hand that the view shows; empty between sets.</summary>
    public List<int> Chosen { get; } = [];

    public bool MayRead(ResourceNode node, string? tenant, string? user) =>
        AccessPolicy.Decide(caller, node, tenant, user, Operation.Read).Verdict == Verdict.Allowed;

    public bool Shows(PublishedSet set, PublishedRow row) =>
        MayRead(row.Node, row.Tenant, row.User) && filter.Lets(row, set.PathOf(row));
}

/// <summary>
/// Which views may read the rows of a place. The policy is asked once for each place and view, and what it said is kept,
/// so a change costs nothing for those who may not see it.
/// </summary>
internal sealed class ReaderIndex
{
    // Places are mounts and tenants or users; an index that has grown beyond what is in use starts anew.
    private const int MaxPlaces = 50_000;

    private readonly Dictionary<string, WatchView> _views = new(StringComparer.Ordinal);
    private readonly Dictionary<(ResourceNode Node, string? Tenant, string? User), List<WatchView>> _readers = [];

    public WatchView ViewOf(Caller caller, WatchFilter filter)
    {
        var reader = AccessPolicy.ReaderOf(caller);
        var key = string.Join('\n', [
            reader.IsAlicorn ? "alicorn" : reader.Email, reader.Tenant ?? "", reader.Role?.ToString() ?? "",
            .. reader.Memberships.Order(StringComparer.Ordinal), "", filter.Key]);
        if (_views.TryGetValue(key, out var known))
            return known;
        var view = new WatchView(key, reader, filter);
        _views.Add(key, view);
        foreach (var (place, readers) in _readers)
        {
            if (view.MayRead(place.Node, place.Tenant, place.User))
                readers.Add(view);
        }
        return view;
    }

    public void Remove(WatchView view)
    {
        _views.Remove(view.Key);
        foreach (var readers in _readers.Values)
            readers.Remove(view);
    }

    public List<WatchView> ReadersOf(PublishedRow row)
    {
        var place = (row.Node, row.Tenant, row.User);
        if (_readers.TryGetValue(place, out var readers))
            return readers;
        if (_readers.Count >= MaxPlaces)
            _readers.Clear();
        readers = [.. _views.Values.Where(view => view.MayRead(row.Node, row.Tenant, row.User))];
        _readers.Add(place, readers);
        return readers;
    }
}
