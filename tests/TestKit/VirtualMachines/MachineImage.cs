using System.Runtime.InteropServices;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>What a virtual machine of the tests boots from, and the disk that brings the program to run.</summary>
internal static class MachineImage
{
    // On a fresh machine it is fetched and unpacked first, and others may be waited for.
    private static readonly TimeSpan MakingLimit = TimeSpan.FromMinutes(15);

    /// <summary>Makes the image unless this machine has it.</summary>
    /// <returns>The directory with <c>kernel</c>, <c>initrd</c> and <c>root.img</c>.</returns>
    public static Task<string> MakeAsync() =>
        ChildProcess.RunAsync(Repository.At("tests", "TestKit", "VirtualMachines", "make-image"), [], MakingLimit);

    /// <summary>
    /// Makes a file system of the program, in <c>program/</c>, and of the runtime that it needs, in <c>dotnet/</c>: that with
    /// which this process runs.
    /// </summary>
    public static async Task WriteProgramAsync(string path, string programDirectory)
    {
        using var content = new TemporaryDirectory("program");
        Directory.CreateDirectory(content["dotnet/shared"]);

        // DOTNET/shared/Microsoft.NETCore.App/VERSION/
        var core = Path.TrimEndingDirectorySeparator(RuntimeEnvironment.GetRuntimeDirectory());
        var web = Path.GetDirectoryName(typeof(Microsoft.AspNetCore.Http.HttpContext).Assembly.Location)!;
        var dotnet = Path.GetFullPath(Path.Combine(core, "..", "..", ".."));
        await CopyAsync(Path.Combine(dotnet, "dotnet"), content["dotnet"]);
        await CopyAsync(Path.Combine(dotnet, "host"), content["dotnet"]);
        foreach (var framework in new[] { core, web })
        {
            var name = Path.GetFileName(Path.GetDirectoryName(framework)!);
            Directory.CreateDirectory(content[$"dotnet/shared/{name}"]);
            await CopyAsync(framework, content[$"dotnet/shared/{name}"]);
        }

        await CopyAsync(programDirectory, content["program"]);
        WriteEmpty(path, sizeMiB: 1024);
        await ChildProcess.RunAsync(
            "mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-d", content.Path, path]);
    }

    /// <summary>Makes a file that is all hole.</summary>
    public static void WriteEmpty(string path, int sizeMiB)
    {
        using var file = File.Create(path);
        file.SetLength(sizeMiB * 1024L * 1024);
    }

    private static Task<string> CopyAsync(string from, string to) =>
        ChildProcess.RunAsync("cp", ["--recursive", "--reflink=auto", from, to]);
}
