using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Twilight;

const string Usage = """
    twilight --config FILE        run the agent of PonyCloud on a hypervisor host: it makes the host be what Sparkle ordered,
                                  and reports what is
    twilight key --config FILE    print the public key by which Sparkle knows the host; make it if there is none

      --config FILE   settings, as JSON; each can be overridden by an environment variable
      --help          this text
      --version       the version

    Settings:

    """;

DaemonArguments arguments;
try
{
    arguments = DaemonArguments.Parse(args);
    if (arguments.Words is not ([] or ["key"]))
        throw new UsageException($"{string.Join(' ', arguments.Words)} is not a command; see twilight --help.");
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
if (arguments.Words is ["key"])
{
    return await CurveKeyCommand.PrintAsync(
        arguments, TwilightConfiguration.Schema, TwilightConfiguration.KeyFile, Console.Out, Console.Error);
}
return await DaemonHost.RunAsync(arguments, TwilightConfiguration.Schema, TwilightHost.Build, Console.Error);
