using Microsoft.Win32.SafeHandles;
using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Looks at the bytes itself, and then lets QEMU look at what it could be harmed by in a process with limits.</summary>
public sealed class ImageInspector(ImageInspectOptions options, IToolRunner tools) : IImageInspector
{
    private const int Sector = 512;

    public async Task<InspectedImage> InspectAsync(string path, ImageType type, CancellationToken cancellationToken)
    {
        // A name like json:… or nbd:… would be more than a file to QEMU; an absolute path never is.
        if (!Path.IsPathFullyQualified(path))
            throw new ArgumentException("The path of an image is absolute.", nameof(path));
        var (length, head, tail) = await ReadAsync(path, cancellationToken);
        if (length == 0)
            throw ImageException.Refused("The content is empty.");
        if (ContentSignature.Find(head.AsSpan(0, Math.Min(head.Length, ContentSignature.Window)), tail) is { } name)
            throw ImageException.Refused($"The content is {name}; images are raw or qcow2, and not packed.");
        if (!Qcow2Header.IsQcow2(head))
            return new InspectedImage(ImageFormat.Raw, Bounded((length + Sector - 1) / Sector * Sector));
        if (type == ImageType.Cdrom)
            throw ImageException.Refused("The content is a qcow2; a CD-ROM is an ISO file.");
        var header = Qcow2Header.Parse(head);
        Qcow2Rules.Check(header, length, options);
        var size = await new Qcow2Probe(options, tools).ProbeAsync(path, header, cancellationToken);
        return new InspectedImage(ImageFormat.Qcow2, size);
    }

    private long Bounded(long size) => size <= options.VirtualSizeMax
        ? size
        : throw ImageException.Refused(
            $"The content is a disk of more than {options.VirtualSizeMax >> 30} GiB, the most that an image may have.");

    private static async Task<(long Length, byte[] Head, byte[] Tail)> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            // On another thread: a disk that hangs keeps that, and not who asks.
            return await Task.Run(
                () =>
                {
                    using var file = File.OpenHandle(path);
                    var length = RandomAccess.GetLength(file);
                    var tail = Math.Max(0, length - ContentSignature.Window);
                    return (length, Read(file, 0, Qcow2Header.BytesMax), Read(file, tail, ContentSignature.Window));
                },
                CancellationToken.None).WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ImageException.Host("The storage pool cannot be read.", exception);
        }
    }

    private static byte[] Read(SafeFileHandle file, long offset, int most)
    {
        var bytes = new byte[(int)Math.Min(most, RandomAccess.GetLength(file) - offset)];
        for (var done = 0; done < bytes.Length;)
        {
            var count = RandomAccess.Read(file, bytes.AsSpan(done), offset + done);
            if (count == 0)
                throw new EndOfStreamException("The file got shorter while it was read.");
            done += count;
        }
        return bytes;
    }
}
