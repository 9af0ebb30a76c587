using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>The files of a switch: written whole or not at all, readable by the user that dnsmasq becomes.</summary>
internal sealed class ServingDirectory(string path, ServingOptions options, IToolRunner tools)
{
    private const UnixFileMode Passage = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    // Files in it are of its group.
    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.SetGroup;

    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;

    // What the process runs with: the digests of what it read. Written last, so an agent that was killed on the way has not done it.
    private const string AppliedFile = "applied";

    internal DnsmasqPlace Place { get; } = new(path, options.User, options.Group);

    internal (string Shape, string Content)? Applied()
    {
        var file = Place[AppliedFile];
        return File.Exists(file) && File.ReadAllText(file).Split('\n') is [var shape, var content] ? (shape, content) : null;
    }

    internal void SetApplied(DnsmasqFiles files) => Write(AppliedFile, $"{files.Shape}\n{files.Content}");

    internal void ForgetApplied()
    {
        if (Directory.Exists(path))
            File.Delete(Place[AppliedFile]);
    }

    internal DnsmasqProcess? FindProcess() =>
        DnsmasqProcess.Find(Place[DnsmasqFiles.PidFile], Place[DnsmasqFiles.MainFile]);

    internal async Task MakeAsync(CancellationToken cancellationToken)
    {
        if (Path.GetDirectoryName(path) is { } above)
            Directory.CreateDirectory(above, Passage);
        Directory.CreateDirectory(path, Own);
        await tools.RunAsync(new ToolCall("chgrp", options.Group, path), cancellationToken);
        File.SetUnixFileMode(path, Own);
    }

    internal void WriteMain(DnsmasqFiles files) => Write(DnsmasqFiles.MainFile, files.Main);

    internal void WriteReread(DnsmasqFiles files)
    {
        foreach (var (name, text) in files.Reread)
            Write(name, text);
    }

    internal void Remove()
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    private void Write(string name, string text)
    {
        var file = Place[name];
        var next = file + ".new";
        File.WriteAllText(next, text);
        File.SetUnixFileMode(next, Readable);
        File.Move(next, file, overwrite: true);
    }
}
