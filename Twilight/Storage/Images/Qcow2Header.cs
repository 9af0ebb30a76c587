using System.Buffers.Binary;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>
/// The header of a qcow2 as it stands in the file, big-endian; the format is defined in QEMU's docs/interop/qcow2.txt.
/// Nothing in it is checked here but that it is there.
/// </summary>
internal sealed record Qcow2Header
{
    /// <summary>Header and extensions stand in the first cluster, and no cluster is larger than this.</summary>
    public const int BytesMax = 1 << MaxClusterBits;

    public const int MinClusterBits = 9;
    public const int MaxClusterBits = 21;

    private const int LengthOfVersion2 = 72;
    private const int MinLengthOfVersion3 = 104;
    private const uint EndOfExtensions = 0;

    public required uint Version { get; init; }

    public required ulong BackingFileOffset { get; init; }

    public required uint ClusterBits { get; init; }

    public required ulong Size { get; init; }

    public required uint CryptMethod { get; init; }

    public required uint L1Entries { get; init; }

    public required ulong L1Offset { get; init; }

    public required ulong RefcountTableOffset { get; init; }

    public required uint RefcountTableClusters { get; init; }

    public required uint Snapshots { get; init; }

    public required ulong SnapshotsOffset { get; init; }

    /// <summary>Bits of features that a reader must know; none in version 2.</summary>
    public ulong Incompatible { get; init; }

    public uint RefcountOrder { get; init; } = 4;

    /// <summary>Kind and content of each extension.</summary>
    public required IReadOnlyList<(uint Kind, ReadOnlyMemory<byte> Data)> Extensions { get; init; }

    public long ClusterSize => 1L << (int)ClusterBits;

    public static bool IsQcow2(ReadOnlySpan<byte> bytes) => bytes.StartsWith<byte>([(byte)'Q', (byte)'F', (byte)'I', 0xfb]);

    /// <param name="bytes">The beginning of the file, at most <see cref="BytesMax"/> of it.</param>
    /// <exception cref="ImageException">It ends in the middle, or is of a version that is not known.</exception>
    public static Qcow2Header Parse(ReadOnlyMemory<byte> bytes)
    {
        var header = bytes.Span;
        if (header.Length < LengthOfVersion2)
            throw CutOff();
        var version = U32(header, 4);
        if (version is not (2 or 3))
            throw ImageException.Refused($"The content is a qcow of version {version}; only qcow2, that is 2 and 3, is taken.");
        if (version == 3 && header.Length < MinLengthOfVersion3)
            throw CutOff();
        var length = version == 3 ? U32(header, 100) : LengthOfVersion2;
        if (version == 3 && (length < MinLengthOfVersion3 || length % 8 != 0))
            throw ImageException.Refused($"The header of the qcow2 is corrupt: it says to be {length} bytes long.");
        return new Qcow2Header
        {
            Version = version,
            BackingFileOffset = U64(header, 8),
            ClusterBits = U32(header, 20),
            Size = U64(header, 24),
            CryptMethod = U32(header, 32),
            L1Entries = U32(header, 36),
            L1Offset = U64(header, 40),
            RefcountTableOffset = U64(header, 48),
            RefcountTableClusters = U32(header, 56),
            Snapshots = U32(header, 60),
            SnapshotsOffset = U64(header, 64),
            Incompatible = version == 3 ? U64(header, 72) : 0,
            RefcountOrder = version == 3 ? U32(header, 96) : 4,
            Extensions = ParseExtensions(bytes, length),
        };
    }

    private static List<(uint Kind, ReadOnlyMemory<byte> Data)> ParseExtensions(ReadOnlyMemory<byte> bytes, long at)
    {
        var extensions = new List<(uint, ReadOnlyMemory<byte>)>();
        while (true)
        {
            if (at + 8 > bytes.Length)
                throw CutOff();
            var kind = U32(bytes.Span, (int)at);
            if (kind == EndOfExtensions)
                return extensions;
            var length = U32(bytes.Span, (int)at + 4);
            at += 8;
            if (at + length > bytes.Length)
                throw CutOff();
            extensions.Add((kind, bytes.Slice((int)at, (int)length)));
            at += (length + 7L) & ~7L;
        }
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64BigEndian(bytes[at..]);

    private static ImageException CutOff() => ImageException.Refused("The header of the qcow2 is corrupt: it ends in the middle.");
}
