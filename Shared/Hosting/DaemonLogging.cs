using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Json;

namespace PonyCloud.Shared.Hosting;

/// <summary>How log lines look.</summary>
public enum LogFormat
{
    /// <summary>Json under systemd, otherwise Human.</summary>
    Auto,

    /// <summary>A line of text for people.</summary>
    Human,

    /// <summary>A JSON object a line, for journals and collectors.</summary>
    Json,
}

/// <summary>The log of a daemon: Serilog behind Microsoft.Extensions.Logging, on standard output.</summary>
public static class DaemonLogging
{
    private const string HumanTemplate =
        "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {SourceContext}: {Message:lj}{NewLine}{Exception}";

    /// <summary>Replaces all log providers.</summary>
    /// <param name="services">Of the host.</param>
    /// <param name="level">The least level that is written. The framework's own messages need Warning at least.</param>
    /// <param name="format">How lines look.</param>
    public static IServiceCollection AddDaemonLogging(this IServiceCollection services, LogLevel level, LogFormat format)
    {
        var logger = Create(level, format, IsUnderSystemd(ConfigurationReader.ProcessEnvironment()));
        return services.AddLogging(logging =>
        {
            logging.ClearProviders();
            // Serilog decides; the default filter of the host must not hide what was asked for.
            logging.SetMinimumLevel(LogLevel.Trace);
            logging.AddSerilog(logger, dispose: true);
        });
    }

    /// <summary>Whether systemd started the process and its journal takes what it prints.</summary>
    public static bool IsUnderSystemd(IEnumerable<KeyValuePair<string, string>> environment) =>
        environment.Any(pair => pair is { Key: "JOURNAL_STREAM" or "INVOCATION_ID", Value.Length: > 0 });

    /// <summary>The keys that a daemon adds to its own.</summary>
    public static IReadOnlyList<ConfigurationKey> Keys { get; } =
    [
        new("log:level", ConfigurationKind.Text, "The least level of messages to log.")
        {
            Default = "information", Choices = ["trace", "debug", "information", "warning", "error", "critical"],
        },
        new("log:format", ConfigurationKind.Text, "human for people, json for collectors; auto is json under systemd.")
        {
            Default = "auto", Choices = ["auto", "human", "json"],
        },
    ];

    internal static Logger Create(LogLevel level, LogFormat format, bool underSystemd)
    {
        var minimum = Serilog.Extensions.Logging.LevelConvert.ToSerilogLevel(level);
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Is(minimum)
            .Enrich.FromLogContext();
        if (minimum >= LogEventLevel.Information)
            configuration.MinimumLevel.Override("Microsoft", (LogEventLevel)Math.Max((int)minimum, (int)LogEventLevel.Warning));
        return (format == LogFormat.Json || (format == LogFormat.Auto && underSystemd)
            ? configuration.WriteTo.Console(new JsonFormatter(renderMessage: true))
            : configuration.WriteTo.Console(outputTemplate: HumanTemplate)).CreateLogger();
    }
}
