using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Tests.Outage;

/// <summary>A disk of which every operation can fail, half way through if it writes.</summary>
internal sealed class FakeDisk
{
    public FakeJournalFile A { get; private set; } = null!;

    public FakeJournalFile B { get; private set; } = null!;

    /// <summary>How many more operations succeed.</summary>
    public int Healthy { get; set; } = int.MaxValue;

    /// <summary>How many operations fail once <see cref="Healthy"/> is used up.</summary>
    public int Failing { get; set; } = int.MaxValue;

    /// <summary>How much of what a failing operation writes gets through, 0 to 1.</summary>
    public double Through { get; set; }

    public byte[] BytesOfA { get; set; } = [];

    public byte[] BytesOfB { get; set; } = [];

    public List<byte[]> Aside { get; } = [];

    /// <summary>The files as a new process finds them.</summary>
    public (IJournalFile A, IJournalFile B) Open()
    {
        A = new FakeJournalFile(this, "a", () => BytesOfA, bytes => BytesOfA = bytes);
        B = new FakeJournalFile(this, "b", () => BytesOfB, bytes => BytesOfB = bytes);
        return (A, B);
    }

    public void Change(byte[] before, byte[] after, Action<byte[]> set)
    {
        if (Healthy > 0)
        {
            Healthy--;
            set(after);
            return;
        }
        if (Failing == 0)
        {
            set(after);
            return;
        }
        Failing--;
        set(after.Length > before.Length ? after[..(before.Length + (int)((after.Length - before.Length) * Through))] : Through > 0.5 ? after : before);
        throw new IOException("No space left on device");
    }
}

internal sealed class FakeJournalFile(FakeDisk disk, string name, Func<byte[]> get, Action<byte[]> set) : IJournalFile
{
    public string Path => name;

    public byte[] Read() => get();

    public void Append(ReadOnlySpan<byte> bytes) => disk.Change(get(), [.. get(), .. bytes], set);

    public void Truncate(long length) => disk.Change(get(), [.. get().Take((int)length)], set);

    public string MoveAside(string suffix)
    {
        disk.Aside.Add(get());
        set([]);
        return $"{name}.{suffix}";
    }

    public void Dispose()
    {
    }
}
