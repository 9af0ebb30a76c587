namespace PonyCloud.Twilight.Session;

/// <summary>When Sparkle was last heard. Written by the session, read by whoever has to know whether the path works.</summary>
public sealed class SparkleSign(TimeProvider time)
{
    private const long Never = long.MinValue;

    private long _heard = Never;

    /// <summary>Called on any thread, after each message.</summary>
    public event Action? Heard;

    /// <summary>A timestamp of the time provider; null before the first message.</summary>
    public long? LastHeard => Interlocked.Read(ref _heard) is var heard and not Never ? heard : null;

    public void Hear()
    {
        Interlocked.Exchange(ref _heard, time.GetTimestamp());
        Heard?.Invoke();
    }
}
