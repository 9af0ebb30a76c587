using System.Globalization;
using System.Text.Json;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Images;

/// <summary>Lets QEMU look at a qcow2 whose header has passed, and compares what it sees.</summary>
internal sealed class Qcow2Probe(ImageInspectOptions options, IToolRunner tools)
{
    private const int Sector = 512;

    // What the framework adds to the number of a signal; below that, what prlimit and the loader say when QEMU did not begin.
    private const int BySignal = 128;
    private const int NotBegun = 126;

    // The libraries of QEMU's drivers need some for themselves.
    private const int FilesMax = 64;

    /// <returns>The size of the disk in bytes.</returns>
    /// <exception cref="ImageException">QEMU does not open it, or sees something else.</exception>
    public async Task<long> ProbeAsync(string path, Qcow2Header header, CancellationToken cancellationToken)
    {
        using var seen = JsonDocument.Parse(await AskAsync(path, cancellationToken));
        var (image, specific) = (seen.RootElement, seen.RootElement.GetProperty("format-specific").GetProperty("data"));
        var size = image.GetProperty("virtual-size").GetInt64();
        var isAsExpected = image.GetProperty("format").GetString() == "qcow2"
            && size / Sector == (long)(header.Size / Sector)
            && !image.TryGetProperty("backing-filename", out _)
            && !image.TryGetProperty("encrypted", out _)
            && !specific.TryGetProperty("data-file", out _)
            && !(specific.TryGetProperty("corrupt", out var corrupt) && corrupt.GetBoolean())
            && !(specific.TryGetProperty("extended-l2", out var extended) && extended.GetBoolean());
        return isAsExpected && size > 0
            ? size
            : throw ImageException.Refused("The content is a qcow2 in which QEMU sees something else than its header says.");
    }

    private async Task<string> AskAsync(string path, CancellationToken cancellationToken)
    {
        var call = new ToolCall(
            "prlimit",
            $"--as={Text(options.MemoryMax)}",
            $"--cpu={Text((long)options.ProcessorMax.TotalSeconds)}",
            $"--nofile={Text(FilesMax)}",
            "--fsize=0",
            "--core=0",
            "qemu-img", "info", "-f", "qcow2", "--output=json", path)
        {
            Timeout = options.Limit,
        };
        try
        {
            return (await tools.RunAsync(call, cancellationToken)).Output;
        }
        catch (ToolException exception) when (exception is { Failure: ToolFailure.Failed, ExitCode: > BySignal })
        {
            throw ImageException.Refused(
                "The content is a qcow2 that QEMU cannot look at with the memory and the time that an image gets.", exception);
        }
        catch (ToolException exception) when (exception is { Failure: ToolFailure.Failed, ExitCode: < NotBegun })
        {
            // Where the file is, is the host's business.
            var said = exception.Message.Replace(path, "image", StringComparison.Ordinal);
            throw ImageException.Refused($"The content is a qcow2 that QEMU does not open: {said}", exception);
        }
        catch (ToolException exception)
        {
            throw ImageException.Host("The host cannot look at the image with qemu-img.", exception);
        }
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
