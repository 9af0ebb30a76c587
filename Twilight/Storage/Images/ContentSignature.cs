using System.Text;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>By which bytes a format is known that images do not come in.</summary>
/// <param name="Name">As in "The content is …".</param>
/// <param name="Offset">Where the bytes stand; negative counts from the end of the content.</param>
internal sealed record ContentSignature(string Name, int Offset, byte[] Bytes)
{
    /// <summary>So much of either end of a content is looked at.</summary>
    public const int Window = 512;

    private static readonly ContentSignature[] Known =
    [
        Text("a qcow of version 1", 0, "QFI\u00fb\0\0\0\u0001"),
        Text("a VMDK", 0, "KDMV"),
        Text("a VMDK", 0, "COWD"),
        Text("a VMDK", 0, "# Disk DescriptorFile"),
        Text("a VDI", 0x40, "\u007f\u0010\u00da\u00be"),
        Text("a QED", 0, "QED\0"),
        Text("a VHDX", 0, "vhdxfile"),
        Text("a VHD", 0, "conectix"),
        Text("a VHD", -512, "conectix"),
        Text("a LUKS volume", 0, "LUKS\u00ba\u00be"),
        Text("a Parallels disk", 0, "WithoutFreeSpace"),
        Text("a Parallels disk", 0, "WithouFreSpacExt"),
        Text("a Bochs disk", 0, "Bochs Virtual HD Image"),
        Text("a cloop", 0, "#!/bin/sh\n#V2.0 Format"),
        Text("a DMG", -512, "koly"),
        Text("a WIM", 0, "MSWIM\0\0\0"),
        Text("packed with gzip", 0, "\u001f\u008b\u0008"),
        Text("packed with xz", 0, "\u00fd7zXZ\0"),
        Text("packed with zstd", 0, "(\u00b5/\u00fd"),
        Text("packed with bzip2", 4, "1AY&SY"),
        Text("a ZIP archive", 0, "PK\u0003\u0004"),
        Text("a 7z archive", 0, "7z\u00bc\u00af\u0027\u001c"),
        Text("a tar archive, such as an OVA", 257, "ustar"),
    ];

    private static readonly string[] PageBeginnings = ["<!doctype html", "<html"];

    /// <returns>What the content is, as in "The content is …"; null when no signature claims it.</returns>
    /// <param name="head">Its beginning, at most <see cref="Window"/> bytes.</param>
    /// <param name="tail">Its end, likewise.</param>
    public static string? Find(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        foreach (var signature in Known)
        {
            var from = signature.Offset >= 0 ? head : tail;
            var at = signature.Offset >= 0 ? signature.Offset : from.Length + signature.Offset;
            if (at >= 0 && at <= from.Length && from[at..].StartsWith(signature.Bytes))
                return signature.Name;
        }
        var text = Encoding.Latin1.GetString(head).TrimStart();
        return PageBeginnings.Any(beginning => text.StartsWith(beginning, StringComparison.OrdinalIgnoreCase)) ? "a web page" : null;
    }

    private static ContentSignature Text(string name, int offset, string text) => new(name, offset, Encoding.Latin1.GetBytes(text));
}
