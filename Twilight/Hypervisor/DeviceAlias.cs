namespace PonyCloud.Twilight.Hypervisor;

/// <summary>By what name libvirt knows a device: it keeps aliases that begin so as they are given, and makes up all others.</summary>
public static class DeviceAlias
{
    private const string Prefix = "ua-";

    /// <param name="row">The uuid of the row that the device is of.</param>
    public static string Of(Guid row) => Prefix + row;

    /// <summary>The row; null for a device that somebody else plugged in.</summary>
    public static Guid? RowOf(string? alias) =>
        alias is not null && alias.StartsWith(Prefix, StringComparison.Ordinal) && Guid.TryParse(alias[Prefix.Length..], out var row)
            ? row
            : null;
}
