using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class HostileQcow2Tests
{
    private const uint DataFileExtension = 0x44415441;
    private const uint BitmapsExtension = 0x23852875;
    private const uint EncryptionExtension = 0x0537be77;

    private static readonly ImageInspectOptions Options = new() { VirtualSizeMax = 1L << 40 };

    private TemporaryDirectory _directory = null!;

    private string Image => _directory["image"];

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory("hostile");

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [Test]
    public async Task A_backing_file_is_refused()
    {
        await CreateAsync("-b", "/etc/passwd", "-F", "raw", "-u", Image, "1M");
        Assert.That(await RefusalAsync(), Does.Contain("backing file").And.Not.Contain("passwd"));
    }

    [Test]
    public async Task A_backing_file_of_the_old_version_is_refused()
    {
        await CreateAsync("-o", "compat=0.10", "-b", "/etc/passwd", "-F", "raw", "-u", Image, "1M");
        Assert.That(await RefusalAsync(), Does.Contain("backing file"));
    }

    [Test]
    public async Task An_external_data_file_is_refused()
    {
        await CreateAsync("-o", $"data_file={_directory["data"]},data_file_raw=on", Image, "1M");
        Assert.That(await RefusalAsync(), Does.Contain("external data file"));
    }

    [Test]
    public async Task A_name_of_an_external_data_file_alone_is_refused()
    {
        await CreateAsync(Image, "1M");
        AddExtension(DataFileExtension, "json:{\"driver\":\"nbd\",\"host\":\"127.0.0.1\"}"u8);
        Assert.That(await RefusalAsync(), Does.Contain("external data file"));
    }

    [Test]
    public async Task An_extension_of_encryption_alone_is_refused()
    {
        await CreateAsync(Image, "1M");
        AddExtension(EncryptionExtension, new byte[16]);
        Assert.That(await RefusalAsync(), Does.Contain("encrypted"));
    }

    [Test]
    public async Task Extended_L2_entries_are_refused()
    {
        await CreateAsync("-o", "extended_l2=on", Image, "1M");
        Assert.That(await RefusalAsync(), Does.Contain("extended L2"));
    }

    [Test]
    public async Task More_snapshots_than_anybody_needs_are_refused()
    {
        await CreateAsync(Image, "1M");
        for (var i = 0; i <= Options.ExtrasMax; i++)
            await ChildProcess.RunAsync("qemu-img", ["snapshot", "-c", $"s{i}", Image]);
        Assert.That(await RefusalAsync(), Does.Contain("17 snapshots"));
        await ChildProcess.RunAsync("qemu-img", ["snapshot", "-d", "s0", Image]);
        Assert.That((await InspectAsync()).VirtualSize, Is.EqualTo(1 << 20));
    }

    [Test]
    public async Task More_bitmaps_than_anybody_needs_are_refused()
    {
        await CreateAsync(Image, "1M");
        AddExtension(BitmapsExtension, [0, 0, 0xff, 0xff, .. new byte[20]]);
        Assert.That(await RefusalAsync(), Does.Contain("65535 bitmaps"));
    }

    [Test]
    public async Task A_disk_of_absurd_size_is_refused()
    {
        await CreateAsync("-o", "cluster_size=2M", Image, "32P");
        Assert.That(await RefusalAsync(), Does.Contain("1024 GiB"));
    }

    // Offset in the header, the number of bytes, what is written, and what the owner is told.
    [TestCase(4, 4, 4UL, "version 4")]
    [TestCase(4, 4, 0UL, "version 0")]
    [TestCase(20, 4, 8UL, "clusters of that size")]
    [TestCase(20, 4, 22UL, "clusters of that size")]
    [TestCase(20, 4, 0xffffffffUL, "clusters of that size")]
    [TestCase(24, 8, 0UL, "without content")]
    [TestCase(24, 8, 0xffffffffffffffffUL, "1024 GiB")]
    [TestCase(24, 8, 0x8000000000000000UL, "1024 GiB")]
    [TestCase(32, 4, 1UL, "encrypted")]
    [TestCase(32, 4, 2UL, "encrypted")]
    [TestCase(36, 4, 0UL, "smaller than its disk")]
    [TestCase(36, 4, 0xffffffffUL, "larger than any")]
    [TestCase(36, 4, 0x00400000UL, "cut off")]
    [TestCase(40, 8, 0UL, "inside of a cluster")]
    [TestCase(40, 8, 0x30001UL, "inside of a cluster")]
    [TestCase(40, 8, 0x7fffffffffff0000UL, "cut off")]
    [TestCase(40, 8, 0xffffffffffff0000UL, "cut off")]
    [TestCase(48, 8, 0x7fffffffffff0000UL, "cut off")]
    [TestCase(56, 4, 0UL, "counts no references")]
    [TestCase(56, 4, 0xffffffffUL, "larger than any")]
    [TestCase(60, 4, 0xffffffffUL, "snapshots")]
    [TestCase(72, 8, 2UL, "marked as corrupt")]
    [TestCase(72, 8, 4UL, "external data file")]
    [TestCase(72, 8, 16UL, "extended L2")]
    [TestCase(72, 8, 32UL, "not known")]
    [TestCase(72, 8, 0x8000000000000000UL, "not known")]
    [TestCase(96, 4, 7UL, "counts of references")]
    [TestCase(100, 4, 0UL, "0 bytes long")]
    [TestCase(100, 4, 105UL, "105 bytes long")]
    [TestCase(100, 4, 0xfffffff8UL, "ends in the middle")]
    [TestCase(104, 1, 7UL, "QEMU does not open")]
    public async Task A_header_that_lies_is_refused(int offset, int length, ulong value, string why)
    {
        await CreateAsync(Image, "1G");
        Patch(offset, length, value);
        Assert.That(await RefusalAsync(), Does.Contain(why));
    }

    [TestCase(3)]
    [TestCase(71)]
    [TestCase(103)]
    [TestCase(111)]
    [TestCase(300)]
    [TestCase(0x30000)]
    public async Task A_file_that_is_cut_off_is_no_qcow2(int length)
    {
        await CreateAsync(Image, "1G");
        await using (var file = new FileStream(Image, FileMode.Open))
            file.SetLength(length);
        if (length < 4)
            Assert.That((await InspectAsync()).Format, Is.EqualTo(ImageFormat.Raw));
        else
            await RefusalAsync();
    }

    [Test]
    public async Task Whatever_a_header_says_it_is_taken_or_refused_in_words()
    {
        await CreateAsync(Image, "1G");
        var sound = await File.ReadAllBytesAsync(Image);
        var change =
            from offset in Gen.Choose(4, 600)
            from value in Gen.OneOf(Gen.Choose(0, 255), Gen.Elements(0, 1, 0x7f, 0x80, 0xff))
            select (offset, (byte)value);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3000),
            Prop.ForAll(Arb.From(Gen.NonEmptyListOf(change)), changes =>
            {
                var bytes = sound.AsSpan(0, 2048).ToArray();
                foreach (var (offset, value) in changes)
                    bytes[offset] = value;
                try
                {
                    var header = Qcow2Header.Parse(bytes);
                    Qcow2Rules.Check(header, sound.Length, Options);
                    return header is { BackingFileOffset: 0, CryptMethod: 0, Size: > 0 } && header.Size <= (ulong)Options.VirtualSizeMax;
                }
                catch (ImageException exception)
                {
                    return exception.Failure == ImageFailure.Refused;
                }
            }));
    }

    [Test]
    public async Task What_passes_here_and_at_QEMU_is_of_one_piece([Values(1, 2, 3, 4, 5, 6, 7, 8)] int seed)
    {
        await CreateAsync(Image, "1G");
        var random = new Random(seed);
        var bytes = await File.ReadAllBytesAsync(Image);
        // The fields of the header and the tables behind it, which only QEMU looks at.
        for (var i = 0; i < 4; i++)
            bytes[random.Next(3) == 0 ? random.Next(104, 600) : random.Next(0x10000, bytes.Length)] = (byte)random.Next(256);
        await File.WriteAllBytesAsync(Image, bytes);
        try
        {
            Assert.That(await InspectAsync(), Is.EqualTo(new InspectedImage(ImageFormat.Qcow2, 1L << 30)));
        }
        catch (ImageException exception)
        {
            Assert.That(exception.Failure, Is.EqualTo(ImageFailure.Refused), exception.Message);
        }
    }

    private static Task<string> CreateAsync(params string[] arguments) =>
        ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", "qcow2", .. arguments]);

    private Task<InspectedImage> InspectAsync() =>
        new ImageInspector(Options, new ToolRunner(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance))
            .InspectAsync(Image, ImageType.Disk, CancellationToken.None);

    private async Task<string> RefusalAsync()
    {
        var exception = await Assert.ThrowsAsync<ImageException>(InspectAsync);
        Assert.That(exception!.Failure, Is.EqualTo(ImageFailure.Refused));
        Assert.That(exception.Message, Does.Not.Contain(_directory.Path));
        return exception.Message;
    }

    private void Patch(int offset, int length, ulong value)
    {
        var bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        using var file = new FileStream(Image, FileMode.Open);
        file.Position = offset;
        file.Write(bytes.AsSpan(sizeof(ulong) - length));
    }

    /// <summary>Puts an extension before the others.</summary>
    private void AddExtension(uint kind, ReadOnlySpan<byte> data)
    {
        const int Extensions = 112;
        var bytes = File.ReadAllBytes(Image);
        var padded = (data.Length + 7) & ~7;
        var rest = bytes.AsSpan(Extensions, 2048).ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(Extensions), kind);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(Extensions + 4), (uint)data.Length);
        data.CopyTo(bytes.AsSpan(Extensions + 8));
        rest.CopyTo(bytes.AsSpan(Extensions + 8 + padded));
        File.WriteAllBytes(Image, bytes);
    }
}
