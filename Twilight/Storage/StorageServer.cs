namespace PonyCloud.Twilight.Storage;

/// <summary>Where a server of storage listens.</summary>
/// <param name="Name">Host name or address.</param>
/// <param name="Port">Null for the usual one.</param>
public sealed record StorageServer(string Name, int? Port = null)
{
    /// <summary>Host and port in one text, with an IPv6 address in brackets.</summary>
    public string At(int usualPort) => $"{(Name.Contains(':', StringComparison.Ordinal) ? $"[{Name}]" : Name)}:{Port ?? usualPort}";
}
