using System.CommandLine;
using PonyCloud.Pony.Contents;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony.Commands;

/// <summary>Contents of volumes: sent, fetched, and waited for.</summary>
internal static class VolumeCommands
{
    public static Command Make(GlobalOptions options) => new("volume", "Send, fetch and wait for the contents of volumes.")
    {
        Upload(options),
        Download(options),
        Wait(options),
    };

    private static Command Upload(GlobalOptions options)
    {
        var file = new Argument<string>("file") { Description = "A raw disk image." };
        var volume = Volume();
        var command = new Command("upload", "Send a file as the new content of a volume; what it held is gone.") { file, volume };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var called = parsed.GetValue(volume)!;
            var row = await FindOfTenantAsync(session, called, cancellation);
            var count = await new ContentUpload(session, row, parsed.GetValue(file)!).RunAsync(cancellation);
            session.Progress.Clear();
            session.Terminal.Output.WriteLine($"volume {Printable.Of(called)} has {ByteText.Of(count)}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Download(GlobalOptions options)
    {
        var volume = Volume();
        var file = new Argument<string>("file") { Description = "The file that is to hold it; there must be none yet." };
        var command = new Command("download", "Fetch the content of a volume into a file.") { volume, file };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var row = await FindOfTenantAsync(session, parsed.GetValue(volume)!, cancellation);
            var path = parsed.GetValue(file)!;
            var count = await new ContentDownload(session, row, path).RunAsync(cancellation);
            session.Progress.Clear();
            session.Terminal.Output.WriteLine($"{Printable.Of(path)} has {ByteText.Of(count)}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Wait(GlobalOptions options)
    {
        var volume = Volume();
        var timeout = new Option<int?>("--timeout") { Description = "Wait at most so long; the work goes on.", HelpName = "SECONDS" };
        timeout.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(int.TryParse(result.Tokens[0].Value, out var seconds) && seconds is > 0 and <= 86_400))
                result.AddError("--timeout takes seconds, from 1 to 86400.");
        });
        var command = new Command("wait", "Wait until a volume is ready, and show how far it is.") { volume, timeout };
        options.Act(command, async (session, parsed, cancellation) =>
        {
            var called = parsed.GetValue(volume)!;
            var limit = parsed.GetValue(timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : (TimeSpan?)null;
            await VolumeWait.RunAsync(session, await FindAsync(session, called, cancellation), called, limit, cancellation);
            return ExitCode.Ok;
        });
        return command;
    }

    private static Argument<string> Volume() => new("volume") { Description = "The volume, by name, uuid or path." };

    private static async Task<Location> FindAsync(Session session, string called, CancellationToken cancellation)
    {
        var locator = new Locator(session);
        var row = called.Contains('/', StringComparison.Ordinal)
            ? await locator.FindRowAsync(called, null, cancellation)
            : await locator.FindRowAsync("volume", called, cancellation);
        return row.Mount.Entity.Name == "volume"
            ? row
            : throw PonyException.Usage($"{called} is a {row.Mount.Entity.Name}, and no volume.");
    }

    private static async Task<Location> FindOfTenantAsync(Session session, string called, CancellationToken cancellation)
    {
        var row = await FindAsync(session, called, cancellation);
        return row.Path.StartsWith("/tenant/", StringComparison.Ordinal)
            ? row
            : throw PonyException.Usage("Contents are sent to and fetched from the volumes of a tenant; name it by its path there.");
    }
}
