namespace PonyCloud.Twilight.Storage;

/// <summary>The unit of sizes in rows.</summary>
public static class MiB
{
    /// <summary>So many that these bytes fit.</summary>
    public static long Of(long bytes) => (bytes >> 20) + ((bytes & ((1 << 20) - 1)) > 0 ? 1 : 0);
}
