using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Shared.Hosting;

/// <summary>What both daemons are made of, whatever they do.</summary>
public static class DaemonHost
{
    /// <summary>How long hosted services may take to stop, all together, before the process ends without them.</summary>
    public static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Adds log, health, systemd and the shutdown timeout to a host or web application builder. The values must come from
    /// a schema with <see cref="DaemonLogging.Keys"/>. SIGTERM and SIGINT stop the host, as they do by default.
    /// </summary>
    public static void AddDaemon(this IHostApplicationBuilder builder, ConfigurationValues values)
    {
        builder.Services.AddDaemonLogging(
            Enum.Parse<LogLevel>(values.Text("log:level"), ignoreCase: true),
            Enum.Parse<LogFormat>(values.Text("log:format"), ignoreCase: true));
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(values);
        builder.Services.AddSingleton<DaemonHealth>();
        builder.Services.AddSingleton(SystemdEnvironment.From(ConfigurationReader.ProcessEnvironment(), Environment.ProcessId));
        builder.Services.AddHostedService<SystemdNotifier>();
    }

    /// <summary>Reads the settings and runs what is built from them until it is stopped.</summary>
    /// <param name="arguments">The parsed command line.</param>
    /// <param name="schema">All keys of the daemon, those of the log included.</param>
    /// <param name="build">Makes the host; may throw <see cref="ConfigurationException"/> for settings that do not go together.</param>
    /// <param name="errors">Where a wrong configuration is explained.</param>
    /// <returns>The exit code: 0 after a clean stop, 1 when a service failed, 78 when the configuration is wrong.</returns>
    public static async Task<int> RunAsync(
        DaemonArguments arguments, ConfigurationSchema schema, Func<ConfigurationValues, IHost> build, TextWriter errors)
    {
        IHost host;
        try
        {
            host = build(ConfigurationReader.Read(schema, arguments.ConfigFile, ConfigurationReader.ProcessEnvironment()));
        }
        catch (ConfigurationException error)
        {
            await errors.WriteLineAsync(error.Message);
            return ConfigurationException.ExitCode;
        }
        // Looked up now: the host is disposed when it returns. A failed service stops the host, and must not look like an order to stop.
        var services = host.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
        await host.RunAsync();
        return services.Any(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : 0;
    }
}
