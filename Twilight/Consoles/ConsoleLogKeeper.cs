using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Consoles;

/// <summary>Keeps logs of consoles from taking more and more of the disk; README.md says how.</summary>
internal sealed partial class ConsoleLogKeeper(
    DomainOptions domains, ConsoleOptions options, IToolRunner tools, TimeProvider time, ILogger<ConsoleLogKeeper> logger)
    : BackgroundService, IInstancePreparation
{
    /// <summary>Up to where each file has been punched out.</summary>
    private readonly ConcurrentDictionary<string, long> _punched = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken)
    {
        Forget(instance);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Forget(Guid instance) => _punched.TryRemove(domains.ConsoleLogOf(instance), out _);

    /// <summary>Looks at every log once.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        foreach (var file in new DirectoryInfo(domains.ConsoleDirectory).EnumerateFiles("*.log"))
        {
            try
            {
                await BoundAsync(file, cancellationToken);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It may have gone meanwhile; the next look tells.
                LogUnbounded(exception, file.FullName);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.LogPeriod, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (IOException exception)
            {
                LogUnbounded(exception, domains.ConsoleDirectory);
            }
        }
    }

    private async Task BoundAsync(FileInfo file, CancellationToken cancellationToken)
    {
        var path = file.FullName;
        var punched = _punched.GetValueOrDefault(path);
        if (file.Length - punched <= 2 * options.LogKept && file.Length >= punched)
            return;
        var until = file.Length - options.LogKept;
        if (until > 0)
        {
            try
            {
                await tools.RunAsync(new ToolCall("fallocate", "--punch-hole", "--offset", "0", "--length", $"{until}", path), cancellationToken);
            }
            catch (ToolException exception)
            {
                LogEmptied(exception, path);
                using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
                RandomAccess.SetLength(handle, 0);
                until = 0;
            }
        }
        _punched[path] = Math.Max(until, 0);
    }

    [LoggerMessage(EventId = 3811, Level = LogLevel.Warning, Message = "The log of a console cannot be cut at its beginning and is emptied: {File}")]
    private partial void LogEmptied(Exception exception, string file);

    [LoggerMessage(EventId = 3812, Level = LogLevel.Warning, Message = "The log of a console cannot be bounded now: {File}")]
    private partial void LogUnbounded(Exception exception, string file);
}
