using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Moq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage.Images;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class ImageInspectorTests
{
    private static readonly ImageInspectOptions Options = new() { VirtualSizeMax = 1L << 40 };

    private TemporaryDirectory _directory = null!;

    [SetUp]
    public void SetUp() => _directory = new TemporaryDirectory("inspector");

    [TearDown]
    public void TearDown() => _directory.Dispose();

    [TestCase("compat=1.1")]
    [TestCase("compat=0.10")]
    [TestCase("compat=1.1,cluster_size=512")]
    [TestCase("compat=1.1,cluster_size=2M")]
    [TestCase("compat=1.1,compression_type=zstd")]
    [TestCase("compat=1.1,lazy_refcounts=on")]
    [TestCase("compat=1.1,refcount_bits=1")]
    public async Task A_qcow2_that_stands_alone_is_taken(string settings)
    {
        var path = await CreateAsync("qcow2", settings, "1G");
        Assert.That(await InspectAsync(path), Is.EqualTo(new InspectedImage(ImageFormat.Qcow2, 1L << 30)));
    }

    [TestCase(1, 512)]
    [TestCase(512, 512)]
    [TestCase(1_000_000, 1_000_448)]
    public async Task What_no_signature_claims_is_raw(int length, int size)
    {
        var path = Write(new byte[length]);
        Assert.That(await InspectAsync(path), Is.EqualTo(new InspectedImage(ImageFormat.Raw, size)));
        Assert.That(await InspectAsync(path, ImageType.Cdrom), Is.EqualTo(new InspectedImage(ImageFormat.Raw, size)));
    }

    [Test]
    public async Task A_signature_that_stands_elsewhere_than_at_the_beginning_is_content()
    {
        var bytes = new byte[4096];
        new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb }.CopyTo(bytes, 512);
        Assert.That((await InspectAsync(Write(bytes))).Format, Is.EqualTo(ImageFormat.Raw));
    }

    [TestCase("vmdk", "a VMDK")]
    [TestCase("vdi", "a VDI")]
    [TestCase("qed", "a QED")]
    [TestCase("vpc", "a VHD")]
    [TestCase("vhdx", "a VHDX")]
    [TestCase("qcow", "a qcow of version 1")]
    [TestCase("parallels", "a Parallels disk")]
    public async Task Another_format_is_refused_by_its_name(string format, string name) =>
        Assert.That(await RefusalAsync(await CreateAsync(format, null, "64M")), Does.Contain(name));

    [Test]
    public async Task A_VHD_of_fixed_size_is_known_by_its_end() =>
        Assert.That(await RefusalAsync(await CreateAsync("vpc", "subformat=fixed", "64M")), Does.Contain("a VHD"));

    [TestCase("gzip -c", "gzip")]
    [TestCase("tar -c -f - -T -", "tar")]
    public async Task A_content_that_is_packed_is_refused(string packer, string name)
    {
        await File.WriteAllBytesAsync(_directory["disk"], FetcherBench.Content(10_000));
        await ChildProcess.RunAsync("sh", ["-c", $"echo {_directory["disk"]} | {packer} > {_directory["image"]}"]);
        Assert.That(await RefusalAsync(_directory["image"]), Does.Contain(name));
    }

    // As the tools themselves begin their files.
    [TestCase("fd377a585a0000ff12d9", "xz")]
    [TestCase("28b52ffd24010900", "zstd")]
    [TestCase("425a68393141592653591481", "bzip2")]
    [TestCase("504b03040a0000000000", "ZIP")]
    [TestCase("377abcaf271c0004", "7z")]
    // QEMU can make such a volume too, but only on a machine idle enough for it to measure the processor.
    [TestCase("4c554b53babe0001", "a LUKS volume")]
    [TestCase("4c554b53babe0002", "a LUKS volume")]
    public async Task A_content_that_is_packed_or_locked_otherwise_is_refused_too(string beginning, string name)
    {
        var bytes = new byte[2048];
        Convert.FromHexString(beginning).CopyTo(bytes, 0);
        Assert.That(await RefusalAsync(Write(bytes)), Does.Contain(name));
    }

    [TestCase("<!DOCTYPE html><title>404")]
    [TestCase("\r\n <HTML>")]
    public async Task A_web_page_is_refused(string page) =>
        Assert.That(await RefusalAsync(Write(Encoding.UTF8.GetBytes(page))), Does.Contain("a web page"));

    [Test]
    public async Task Nothing_is_no_image() => Assert.That(await RefusalAsync(Write([])), Does.Contain("empty"));

    [Test]
    public async Task A_raw_disk_that_is_too_large_is_refused()
    {
        var path = Write([]);
        await using (var file = new FileStream(path, FileMode.Open))
            file.SetLength(Options.VirtualSizeMax + 1);
        Assert.That(await RefusalAsync(path), Does.Contain("1024 GiB"));
    }

    [Test]
    public async Task A_qcow2_is_no_cdrom()
    {
        var path = await CreateAsync("qcow2", null, "1M");
        Assert.That(await RefusalAsync(path, ImageType.Cdrom), Does.Contain("ISO"));
    }

    [Test]
    public async Task A_file_that_is_not_there_is_the_hosts_trouble() =>
        Assert.That(await RefusalAsync(_directory["missing"], failure: ImageFailure.Host), Does.Not.Contain(_directory.Path));

    [TestCase(134, ImageFailure.Refused)]
    [TestCase(137, ImageFailure.Refused)]
    [TestCase(127, ImageFailure.Host)]
    [TestCase(1, ImageFailure.Refused)]
    public async Task How_QEMU_ended_is_said_without_where_the_file_is(int exitCode, ImageFailure failure)
    {
        var path = await CreateAsync("qcow2", null, "1M");
        var tools = Failing(new ToolException(ToolFailure.Failed, $"qemu-img: {path}: bad", exitCode));
        var why = await RefusalAsync(path, failure: failure, tools: tools);
        Assert.That(why, Does.Not.Contain(path));
    }

    [Test]
    public async Task A_disk_that_hangs_under_QEMU_is_the_hosts_trouble()
    {
        var path = await CreateAsync("qcow2", null, "1M");
        await RefusalAsync(path, failure: ImageFailure.Host, tools: Failing(new ToolException(ToolFailure.TimedOut, "too long")));
    }

    [Test]
    public async Task A_process_with_too_little_memory_is_ended_and_nobody_else()
    {
        var path = await CreateAsync("qcow2", null, "1M");
        var options = Options with { MemoryMax = 16 << 20 };
        var inspector = new ImageInspector(options, Runner());
        await Assert.ThrowsAsync<ImageException>(() => inspector.InspectAsync(path, ImageType.Disk, CancellationToken.None));
    }

    [Test]
    public async Task Whoever_withdraws_is_free_at_once()
    {
        var path = await CreateAsync("qcow2", null, "1M");
        using var withdrawal = new CancellationTokenSource();
        await withdrawal.CancelAsync();
        Assert.That(
            async () => await new ImageInspector(Options, Runner()).InspectAsync(path, ImageType.Disk, withdrawal.Token),
            Throws.InstanceOf<OperationCanceledException>());
    }

    private static ToolRunner Runner() => new(Guid.NewGuid(), TimeProvider.System, NullLogger<ToolRunner>.Instance);

    private static IToolRunner Failing(ToolException exception) => Mock.Of<IToolRunner>(
        tools => tools.RunAsync(It.IsAny<ToolCall>(), It.IsAny<CancellationToken>()) == Task.FromException<ToolResult>(exception));

    private static Task<InspectedImage> InspectAsync(string path, ImageType type = ImageType.Disk) =>
        new ImageInspector(Options, Runner()).InspectAsync(path, type, CancellationToken.None);

    private static async Task<string> RefusalAsync(
        string path, ImageType type = ImageType.Disk, ImageFailure failure = ImageFailure.Refused, IToolRunner? tools = null)
    {
        var inspector = new ImageInspector(Options, tools ?? Runner());
        var exception = await Assert.ThrowsAsync<ImageException>(() => inspector.InspectAsync(path, type, CancellationToken.None));
        Assert.That(exception!.Failure, Is.EqualTo(failure), exception.Message);
        return exception.Message;
    }

    private string Write(byte[] bytes)
    {
        File.WriteAllBytes(_directory["image"], bytes);
        return _directory["image"];
    }

    private async Task<string> CreateAsync(string format, string? settings, string size)
    {
        string[] extra = settings is null ? [] : ["-o", settings];
        await ChildProcess.RunAsync("qemu-img", ["create", "-q", "-f", format, .. extra, _directory["image"], size]);
        return _directory["image"];
    }
}
