using System.Globalization;

namespace PonyCloud.Sparkle.Database.Following;

/// <summary>Which transactions a snapshot sees: <c>pg_current_snapshot()</c>, taken apart.</summary>
public sealed class PostgresSnapshot
{
    private readonly ulong _minimum;
    private readonly ulong _maximum;
    private readonly HashSet<ulong> _inProgress;

    private PostgresSnapshot(string text, ulong minimum, ulong maximum, HashSet<ulong> inProgress)
    {
        Text = text;
        _minimum = minimum;
        _maximum = maximum;
        _inProgress = inProgress;
    }

    /// <summary>As the server writes it, <c>xmin:xmax:xip,…</c>.</summary>
    public string Text { get; }

    /// <exception cref="FormatException">It is no snapshot.</exception>
    public static PostgresSnapshot Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length != 3)
            throw new FormatException($"{text} is no snapshot.");
        return new PostgresSnapshot(
            text,
            ulong.Parse(parts[0], CultureInfo.InvariantCulture),
            ulong.Parse(parts[1], CultureInfo.InvariantCulture),
            [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(xid => ulong.Parse(xid, CultureInfo.InvariantCulture))]);
    }

    /// <summary>Whether the transaction had ended when the snapshot was taken: its rows are seen if it committed.</summary>
    public bool Sees(ulong transaction) =>
        transaction < _minimum || (transaction < _maximum && !_inProgress.Contains(transaction));

    /// <summary>
    /// The same for the 32 bits of a transaction id that the change stream gives. It lies within 2^31 of the snapshot, or
    /// the server would long have stopped to prevent wraparound.
    /// </summary>
    public bool Sees(uint transaction) =>
        Sees((ulong)((long)_maximum + unchecked((int)(transaction - (uint)_maximum))));
}
