using PonyCloud.Shared.Hosting;

namespace PonyCloud.Shared.Messaging.ZeroMq;

/// <summary>The setting that names a daemon's key file, and the command that tells others which key it is.</summary>
public static class CurveKeyCommand
{
    public const string KeyFile = "messaging:key_file";

    /// <summary>Reads the key pair of a daemon, or makes one at its first start.</summary>
    /// <exception cref="ConfigurationException">There is no usable key.</exception>
    public static CurveKeys Load(string path)
    {
        try
        {
            return CurveKeyFile.ReadOrMake(path);
        }
        catch (CurveKeyFileException error)
        {
            throw new ConfigurationException([$"{KeyFile}: {error.Message}"]);
        }
    }

    /// <summary>Prints the public key alone, so that it can be used by scripts.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="schema">All keys of the daemon.</param>
    /// <param name="pathOf">Where its key is.</param>
    /// <param name="output">Takes the key.</param>
    /// <param name="errors">Where a wrong configuration is explained.</param>
    /// <returns>The exit code: 0, or 78 when the configuration is wrong.</returns>
    public static async Task<int> PrintAsync(
        DaemonArguments arguments, ConfigurationSchema schema, Func<ConfigurationValues, string> pathOf, TextWriter output, TextWriter errors)
    {
        try
        {
            var values = ConfigurationReader.Read(schema, arguments.ConfigFile, ConfigurationReader.ProcessEnvironment());
            await output.WriteLineAsync(Load(pathOf(values)).PublicKey);
            return 0;
        }
        catch (ConfigurationException error)
        {
            await errors.WriteLineAsync(error.Message);
            return ConfigurationException.ExitCode;
        }
    }
}
