using PonyCloud.Shared.Hosting;
using PonyCloud.Twilight;

const string Usage = """
    twilight --config FILE

    The agent of PonyCloud on a hypervisor host: makes the host be what Sparkle ordered, and reports what is.

      --config FILE   settings, as JSON; each can be overridden by an environment variable
      --help          this text
      --version       the version

    Settings:

    """;

DaemonArguments arguments;
try
{
    arguments = DaemonArguments.Parse(args);
    if (arguments.Words.Count > 0)
        throw new UsageException($"{arguments.Words[0]} is not a command; see twilight --help.");
}
catch (UsageException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return UsageException.ExitCode;
}
if (arguments.WantsHelp)
{
    await Console.Out.WriteAsync(Usage + TwilightConfiguration.Schema.Describe());
    return 0;
}
if (arguments.WantsVersion)
{
    await Console.Out.WriteLineAsync($"twilight {AgentVersion.Text}");
    return 0;
}
return await DaemonHost.RunAsync(arguments, TwilightConfiguration.Schema, TwilightHost.Build, Console.Error);
