namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Tells how far a fetch is, not more often than anybody wants to know.</summary>
internal sealed class ProgressMeter(IProgress<FetchProgress>? progress, TimeSpan interval, TimeProvider time)
{
    private long _told = time.GetTimestamp();
    private long _received;
    private long _rate;

    /// <summary>So much came in.</summary>
    public void Add(int bytes, long length, long? total)
    {
        _received += bytes;
        var elapsed = time.GetElapsedTime(_told);
        if (elapsed >= interval)
            Tell(length, total, elapsed);
    }

    /// <summary>How it is now, whenever it was told last.</summary>
    public void Tell(long length, long? total) => Tell(length, total, time.GetElapsedTime(_told));

    private void Tell(long length, long? total, TimeSpan elapsed)
    {
        if (elapsed > TimeSpan.Zero)
        {
            var rate = (long)(_received / elapsed.TotalSeconds);
            // Half of it is the past, so that the number can be read.
            _rate = _rate == 0 ? rate : (_rate + rate) / 2;
            _received = 0;
        }
        _told = time.GetTimestamp();
        progress?.Report(new FetchProgress(length, total, _rate));
    }
}
