using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace PonyCloud.Twilight.Devices;

/// <summary>What kind of name a disk is known by; the better the smaller.</summary>
public enum DiskIdKind
{
    Wwn,
    Iscsi,
    Serial,
    Path,
}

/// <summary>Who a disk is, by what it says of itself; the rules are in README.md.</summary>
/// <param name="Text">As <c>disk.id</c> has it.</param>
public readonly partial record struct DiskId(DiskIdKind Kind, string Text)
{
    private const int LengthMax = 223;
    private const int HashDigits = 16;

    public static DiskId Of(BlockDevice device)
    {
        if (Wwn(device) is { } wwn)
            return Make(DiskIdKind.Wwn, wwn);
        if (device.Property("ID_PATH") is { } path && IscsiPath().Match(path) is { Success: true } unit)
            return Make(DiskIdKind.Iscsi, unit.Groups["unit"].Value);
        if (Serial(device) is { } serial)
            return Make(DiskIdKind.Serial, serial);
        return Make(DiskIdKind.Path, device.Property("ID_PATH") ?? device.DevicePath.Trim('/').Replace('/', '-'));
    }

    /// <summary>The id that the name of a dm-multipath map gives, for a map whose paths cannot be asked.</summary>
    /// <param name="wwid">As multipathd calls it: for a WWN of SCSI a 3 before it.</param>
    public static DiskId OfMap(string wwid) =>
        ScsiWwid().IsMatch(wwid) ? Make(DiskIdKind.Wwn, "0x" + wwid[1..].ToLowerInvariant())
        : NvmeName().IsMatch(wwid) ? Make(DiskIdKind.Wwn, wwid)
        : Make(DiskIdKind.Serial, wwid);

    /// <summary>What the disk gives as its number, with what udev puts before it; null when that is none.</summary>
    public static string? Serial(BlockDevice device)
    {
        var serial = device.Property("ID_SERIAL") is { } named
            // Without a number of its own a disk on these buses is named by its model alone. On others udev says only this one.
            ? device.Property("ID_SERIAL_SHORT") is not null || device.Property("ID_BUS") is null ? named : null
            : device.Attribute("serial") ?? device.Attribute("device/serial") ?? Designator(device);
        return serial is not null && IsNumber(device.Property("ID_SERIAL_SHORT") ?? serial) ? serial.Trim() : null;
    }

    public override string ToString() => Text;

    private static string? Wwn(BlockDevice device)
    {
        var wwn = device.Property("ID_WWN_WITH_EXTENSION") ?? device.Property("ID_WWN")
            ?? device.Attribute("wwid") ?? device.Attribute("device/wwid");
        if (wwn is null)
            return null;
        if (wwn.StartsWith("naa.", StringComparison.Ordinal))
            wwn = "0x" + wwn[4..];
        if (wwn.StartsWith("0x", StringComparison.Ordinal))
            return HasCompany(wwn) ? wwn.ToLowerInvariant() : null;
        // eui and uuid are given out once; what begins with t10 is a maker and a number, so no WWN.
        return NvmeName().IsMatch(wwn) && IsNumber(wwn[(wwn.IndexOf('.', StringComparison.Ordinal) + 1)..]) ? wwn : null;
    }

    /// <summary>
    /// A name of IEEE (NAA 2, 5 or 6) has the number of the company that gave it: 24 bits behind the first digit, or behind
    /// four for NAA 2. Others are taken as they are, unless they say nothing.
    /// </summary>
    private static bool HasCompany(string wwn)
    {
        var digits = wwn[2..];
        var company = digits switch
        {
            ['5' or '6', ..] when digits.Length >= 7 => digits[1..7],
            ['2', ..] when digits.Length >= 10 => digits[4..10],
            _ => digits,
        };
        return company.Any(digit => digit != '0');
    }

    private static string? Designator(BlockDevice device) =>
        device.Attribute("device/wwid") is { } wwid && wwid.StartsWith("t10.", StringComparison.Ordinal)
            ? Spaces().Replace(wwid, "_")
            : null;

    private static bool IsNumber(string serial) => serial.Where(char.IsAsciiLetterOrDigit).Distinct().Take(2).Count() > 1;

    private static DiskId Make(DiskIdKind kind, string name)
    {
        var whole = $"{kind.ToString().ToLowerInvariant()}-{name}";
        var clean = Forbidden().Replace(whole, "_");
        if (clean == whole && whole.Length <= LengthMax)
            return new DiskId(kind, whole);
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)))[..HashDigits];
        var kept = Math.Min(clean.Length, LengthMax - HashDigits - 1);
        return new DiskId(kind, string.Create(CultureInfo.InvariantCulture, $"{clean[..kept]}.{hash}"));
    }

    [GeneratedRegex("[^A-Za-z0-9_.:-]")]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"-iscsi-(?<unit>.+-lun-[0-9a-fx]+)$")]
    private static partial Regex IscsiPath();

    [GeneratedRegex("^3(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32})$")]
    private static partial Regex ScsiWwid();

    [GeneratedRegex(@"^(eui|uuid|nvme)\.")]
    private static partial Regex NvmeName();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
