using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using PonyCloud.Shared.Hosting;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Database.Embedded;
using PonyCloud.Sparkle.Database.Schema;

namespace PonyCloud.Sparkle;

/// <summary><c>sparkle schema apply</c>: what an operator runs who does not want the server to change the schema by itself.</summary>
internal static class SchemaCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    public static async Task<int> ApplyAsync(DaemonArguments arguments, TextWriter output, TextWriter errors)
    {
        try
        {
            var values = ConfigurationReader.Read(SparkleConfiguration.Schema, arguments.ConfigFile, ConfigurationReader.ProcessEnvironment());
            await using var services = new ServiceCollection().AddDaemonLogging(LogLevel.Warning, LogFormat.Human).BuildServiceProvider();
            using var timeout = new CancellationTokenSource(Patience);
            var applied = await DatabaseRegistration.ApplySchemaAsync(
                SparkleConfiguration.Database(values), services.GetRequiredService<ILoggerFactory>(), TimeProvider.System, timeout.Token);
            await output.WriteLineAsync(applied.Count == 0 ? "The schema is up to date." : $"Applied: {string.Join(", ", applied)}.");
            return 0;
        }
        catch (ConfigurationException error)
        {
            await errors.WriteLineAsync(error.Message);
            return ConfigurationException.ExitCode;
        }
        catch (Exception error) when (error is SchemaException or EmbeddedPostgresException or NpgsqlException or OperationCanceledException)
        {
            await errors.WriteLineAsync(error.Message);
            return 1;
        }
    }
}
