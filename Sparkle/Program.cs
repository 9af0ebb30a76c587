using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.Sparkle;

const string Usage = """
    sparkle server --config FILE          run the controller
    sparkle schema apply --config FILE    bring the database's schema up to date, and end
    sparkle key --config FILE             print the public key by which hosts know Sparkle; make it if there is none
    sparkle help                          this text

      --config FILE   settings, as JSON; each can be overridden by an environment variable
      --version       the version

    Settings:

    """;

try
{
    var arguments = DaemonArguments.Parse(args);
    if (arguments.WantsVersion)
    {
        await Console.Out.WriteLineAsync($"sparkle {SparkleVersion.Text}");
        return 0;
    }
    if (arguments.WantsHelp || arguments.Words is ["help"])
    {
        await Console.Out.WriteAsync(Usage + SparkleConfiguration.Schema.Describe());
        return 0;
    }
    return arguments.Words switch
    {
        ["server"] => await DaemonHost.RunAsync(arguments, SparkleConfiguration.Schema, SparkleHost.Build, Console.Error),
        ["schema", "apply"] => await SchemaCommand.ApplyAsync(arguments, Console.Out, Console.Error),
        ["key"] => await CurveKeyCommand.PrintAsync(
            arguments, SparkleConfiguration.Schema, SparkleConfiguration.KeyFile, Console.Out, Console.Error),
        [] => throw new UsageException("A command is missing; see sparkle help."),
        _ => throw new UsageException($"{string.Join(' ', arguments.Words)} is not a command; see sparkle help."),
    };
}
catch (UsageException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return UsageException.ExitCode;
}
