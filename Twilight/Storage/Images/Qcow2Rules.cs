using System.Buffers.Binary;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>What a qcow2 from a stranger may be.</summary>
internal static class Qcow2Rules
{
    private const uint DataFileExtension = 0x44415441;
    private const uint EncryptionExtension = 0x0537be77;
    private const uint BitmapsExtension = 0x23852875;

    // Bits of incompatible features.
    private const int Corrupt = 1;
    private const int DataFile = 2;
    private const int ExtendedL2 = 4;

    // Dirty (counts of references are to be made anew, which readers need not) and the kind of compression.
    private const ulong Harmless = 0b01001;

    // QEMU's own bounds.
    private const long L1Max = 32 << 20;
    private const long RefcountTableMax = 8 << 20;
    private const uint RefcountOrderMax = 6;

    /// <param name="length">Of the file, in bytes.</param>
    /// <exception cref="ImageException">It is something else; the message says what.</exception>
    public static void Check(Qcow2Header header, long length, ImageInspectOptions options)
    {
        CheckReferences(header);
        CheckSizes(header, length, options);
        CheckExtras(header, options);
    }

    /// <summary>Nothing outside of the file, nothing that needs a key.</summary>
    private static void CheckReferences(Qcow2Header header)
    {
        Refuse(header.BackingFileOffset != 0, "names a backing file: only one that stands alone is taken");
        Refuse(Has(header, DataFile) || Find(header, DataFileExtension) is not null, "keeps its content in an external data file");
        Refuse(header.CryptMethod != 0 || Find(header, EncryptionExtension) is not null, "is encrypted");
        Refuse(Has(header, Corrupt), "is marked as corrupt");
        Refuse(Has(header, ExtendedL2), "has extended L2 entries; qemu-img convert makes one without");
        const ulong Named = (1 << Corrupt) | (1 << DataFile) | (1 << ExtendedL2);
        Refuse((header.Incompatible & ~(Harmless | Named)) != 0, "needs features that are not known");
    }

    private static void CheckSizes(Qcow2Header header, long length, ImageInspectOptions options)
    {
        Refuse(
            header.ClusterBits is < Qcow2Header.MinClusterBits or > Qcow2Header.MaxClusterBits,
            "has a corrupt header: there are no clusters of that size");
        Refuse(header.RefcountOrder > RefcountOrderMax, "has a corrupt header: there are no counts of references of that size");
        Refuse(header.Size == 0, "is a disk without content");
        Refuse(
            header.Size > (ulong)options.VirtualSizeMax,
            $"is a disk of more than {options.VirtualSizeMax >> 30} GiB, the most that an image may have");
        var covered = header.ClusterSize * (header.ClusterSize / sizeof(ulong));
        var entries = (header.Size + (ulong)covered - 1) / (ulong)covered;
        Refuse(header.L1Entries < entries, "has a corrupt header: its table of clusters is smaller than its disk");
        CheckTable(header, header.L1Offset, header.L1Entries * (long)sizeof(ulong), L1Max, length, "its table of clusters");
        Refuse(header.RefcountTableClusters == 0, "has a corrupt header: it counts no references");
        CheckTable(header, header.RefcountTableOffset, header.RefcountTableClusters * header.ClusterSize, RefcountTableMax, length,
            "its table of references");
    }

    private static void CheckTable(Qcow2Header header, ulong offset, long size, long max, long length, string what)
    {
        Refuse(size > max, $"has a corrupt header: {what} is larger than any that QEMU makes");
        Refuse(offset == 0 || offset % (ulong)header.ClusterSize != 0, $"has a corrupt header: {what} begins inside of a cluster");
        Refuse(offset > (ulong)length || (long)offset + size > length, $"is cut off: {what} is not in the file");
    }

    private static void CheckExtras(Qcow2Header header, ImageInspectOptions options)
    {
        Refuse(header.Snapshots > options.ExtrasMax, $"has {header.Snapshots} snapshots in it; an image may have {options.ExtrasMax}");
        var directory = Find(header, BitmapsExtension);
        var bitmaps = directory is { Length: >= sizeof(uint) } data ? BinaryPrimitives.ReadUInt32BigEndian(data.Span) : 0;
        Refuse(bitmaps > options.ExtrasMax, $"has {bitmaps} bitmaps in it; an image may have {options.ExtrasMax}");
    }

    private static bool Has(Qcow2Header header, int bit) => (header.Incompatible & (1UL << bit)) != 0;

    private static ReadOnlyMemory<byte>? Find(Qcow2Header header, uint kind) =>
        header.Extensions
            .Where(extension => extension.Kind == kind)
            .Select(extension => (ReadOnlyMemory<byte>?)extension.Data)
            .FirstOrDefault();

    private static void Refuse(bool isSo, string what)
    {
        if (isSo)
            throw ImageException.Refused($"The content is a qcow2 that {what}.");
    }
}
