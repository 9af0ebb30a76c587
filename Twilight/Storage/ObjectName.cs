using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace PonyCloud.Twilight.Storage;

public enum ObjectKind
{
    Volume,
    Image,
}

/// <summary>What the platform calls something that it makes in a pool.</summary>
/// <param name="Generation">The content of a volume, from 1; 0 for an image, which has only the one.</param>
/// <param name="Worker">Who is making it, see <see cref="WorkerOf"/>; null once it is published.</param>
public sealed partial record ObjectName(ObjectKind Kind, Guid Uuid, int Generation, string? Worker = null)
{
    private const int HostDigits = 12;
    private const int AttemptDigits = 8;

    public bool IsPartial => Worker is not null;

    /// <summary>As it is called once it is published.</summary>
    public ObjectName Published => this with { Worker = null };

    public static ObjectName Volume(Guid uuid, int generation) => new(ObjectKind.Volume, uuid, generation);

    public static ObjectName Image(Guid uuid) => new(ObjectKind.Image, uuid, 0);

    /// <summary>
    /// A worker: the host, and one attempt. What a tool that outlived its attempt still writes goes into something that nobody
    /// publishes.
    /// </summary>
    public static string WorkerOf(Guid host, Guid attempt) => DigestOf(host) + $"{attempt:N}"[..AttemptDigits];

    /// <summary>Whether it is a partial object of this host, of whatever attempt.</summary>
    public bool IsOf(Guid host) => Worker?.StartsWith(DigestOf(host), StringComparison.Ordinal) == true;

    /// <summary>Null for what the platform did not name.</summary>
    public static ObjectName? Parse(string text)
    {
        if (Pattern().Match(text) is not { Success: true } match)
            return null;
        var isVolume = match.Groups["volume"].Success;
        return new ObjectName(
            isVolume ? ObjectKind.Volume : ObjectKind.Image,
            Guid.Parse(match.Groups["uuid"].ValueSpan),
            isVolume ? int.Parse(match.Groups["generation"].ValueSpan, CultureInfo.InvariantCulture) : 0,
            match.Groups["worker"] is { Success: true } worker ? worker.Value : null);
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out ObjectName? name) => (name = Parse(text)) is not null;

    /// <summary>What a path, or what else QEMU has open, ends with; null where that is no name of the platform's.</summary>
    public static ObjectName? In(string source)
    {
        var start = source.LastIndexOf('/') + 1;
        // Maps of the kernel have the pool in front.
        var found = Math.Max(source.IndexOf("volume-", start, StringComparison.Ordinal), source.IndexOf("image-", start, StringComparison.Ordinal));
        return found < 0 ? null : Parse(source[found..]);
    }

    /// <summary>Letters, digits, dots and hyphens only: what file systems, LVM and Ceph all take.</summary>
    public override string ToString()
    {
        var published = Kind == ObjectKind.Volume
            ? string.Create(CultureInfo.InvariantCulture, $"volume-{Uuid}.{Generation}")
            : $"image-{Uuid}";
        return Worker is null ? published : $"{published}.partial-{Worker}";
    }

    // A digest, since the uuids of all machines of a vendor may begin alike.
    private static string DigestOf(Guid host) => Convert.ToHexStringLower(SHA256.HashData(host.ToByteArray()))[..HostDigits];

    // Nine digits are fewer generations than the schema allows and more than anybody orders; they always fit an integer.
    [GeneratedRegex(@"^((?<volume>volume)|image)-(?<uuid>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
        + @"(?(volume)\.(?<generation>[1-9][0-9]{0,8}))(\.partial-(?<worker>[0-9a-f]{20}))?\z")]
    private static partial Regex Pattern();
}
