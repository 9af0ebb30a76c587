using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Api.Watching;

/// <summary>The newest change sets, in the order of their revisions, as many as the bounds allow.</summary>
internal sealed class WatchHistory(int maxSets, int maxBytes)
{
    private readonly List<PublishedSet> _sets = [];
    private int _first;

    /// <summary>Everything after this revision is here.</summary>
    public long Base { get; private set; }

    /// <summary>Everything up to this revision is, or was, here.</summary>
    public long Tip { get; private set; }

    /// <summary>Memory of the sets, bytes.</summary>
    public long Bytes { get; private set; }

    public int Count => _sets.Count - _first;

    /// <summary>Forgets everything, and goes on from a revision.</summary>
    public void Restart(long revision)
    {
        _sets.Clear();
        _first = 0;
        Bytes = 0;
        Base = Tip = revision;
    }

    /// <summary>A revision that changed nothing which anybody may read.</summary>
    public void Advance(long revision) => Tip = revision;

    public void Add(PublishedSet set)
    {
        _sets.Add(set);
        Bytes += set.Size;
        Tip = set.Revision;
        Trim();
    }

    /// <summary>The set has become larger since it was added.</summary>
    public void Grew(int bytes) => Bytes += bytes;

    /// <summary>The sets after a revision, which must not be before <see cref="Base"/>.</summary>
    public ReadOnlySpan<PublishedSet> After(long revision)
    {
        int low = _first, high = _sets.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_sets[middle].Revision <= revision)
                low = middle + 1;
            else
                high = middle;
        }
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_sets)[low..];
    }

    /// <summary>Whether somebody may read other rows now than at a revision; also when that is not known any more.</summary>
    public bool MayDiffer(Caller caller, long revision)
    {
        if (revision < Base)
            return true;
        foreach (var set in After(revision))
        {
            foreach (var change in set.Access)
            {
                if (change.Concerns(caller))
                    return true;
            }
        }
        return false;
    }

    /// <summary>Drops the oldest sets beyond the bounds.</summary>
    public void Trim()
    {
        while (Count > 0 && (Count > maxSets || Bytes > maxBytes))
        {
            Base = _sets[_first].Revision;
            Bytes -= _sets[_first].Size;
            _sets[_first++] = null!;
        }
        // Moved together only now and then, so that each set is moved once on average.
        if (_first > 64 && _first > _sets.Count / 2)
        {
            _sets.RemoveRange(0, _first);
            _first = 0;
        }
    }
}
