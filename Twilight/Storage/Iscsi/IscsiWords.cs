namespace PonyCloud.Twilight.Storage.Iscsi;

/// <summary>Says in words what tools say in numbers.</summary>
internal static class IscsiWords
{
    // Status classes and details of a login response (RFC 7143, 11.13.5), as libiscsi counts them, and its own words.
    private static readonly (string Said, string Means)[] Meanings =
    [
        ("Authentication failure(513)", "The target does not take this user with this password."),
        ("Authorization failure(514)", "The target does not let this initiator in."),
        ("Target not found(515)", "The portal has no such target."),
        ("Can not reconnect right now", "Nothing answers at the portal."),
    ];

    internal static string Of(string said) =>
        Array.Find(Meanings, meaning => said.Contains(meaning.Said, StringComparison.Ordinal)).Means is { } means ? means : said;
}
