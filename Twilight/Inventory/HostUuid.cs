namespace PonyCloud.Twilight.Inventory;

/// <summary>The uuid of this machine cannot be used.</summary>
public sealed class HostUuidException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Finds the uuid by which the platform knows this machine.</summary>
public static class HostUuid
{
    /// <summary>The setting that means: the machine's own.</summary>
    public const string Auto = "auto";

    // Left in their firmware by makers who never set one, so that thousands of machines share it.
    private static readonly HashSet<Guid> Bogus =
    [
        Guid.Empty,
        Guid.AllBitsSet,
        Guid.Parse("03000200-0400-0500-0006-000700080009"),
        Guid.Parse("00020003-0004-0005-0006-000700080009"),
        Guid.Parse("12345678-1234-5678-90ab-cddeefaabbcc"),
        Guid.Parse("fefefefe-fefe-fefe-fefe-fefefefefefe"),
    ];

    /// <param name="setting"><see cref="Auto"/>, or a uuid.</param>
    /// <param name="sysRoot"><c>/sys</c> but in tests.</param>
    /// <exception cref="HostUuidException">There is none, or it is one that many machines share; the message says what to do.</exception>
    public static Guid Find(string setting, string sysRoot)
    {
        if (!string.Equals(setting, Auto, StringComparison.OrdinalIgnoreCase))
            return Check(setting, "The configured host uuid");
        var path = Path.Combine(sysRoot, "class/dmi/id/product_uuid");
        try
        {
            return Check(File.ReadAllText(path).Trim(), $"The machine's uuid in {path}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new HostUuidException($"The machine's uuid cannot be read from {path}: {exception.Message} Configure a uuid for this host.",
                exception);
        }
    }

    private static Guid Check(string text, string what)
    {
        if (!Guid.TryParseExact(text, "D", out var uuid))
            throw new HostUuidException($"{what} is \"{text}\", which is no uuid. Configure one for this host.");
        if (Bogus.Contains(uuid))
            throw new HostUuidException($"{what} is {uuid}, which many machines share. Configure a uuid of its own for this host.");
        return uuid;
    }
}
