using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Instances;

/// <summary>The files of an instance's console: its log begins anew with each start, and goes with the instance.</summary>
public sealed partial class ConsoleFiles(DomainOptions domains, ILogger<ConsoleFiles> logger) : IInstancePreparation
{
    /// <inheritdoc/>
    public Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken)
    {
        Delete(domains.ConsoleLogOf(instance));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Forget(Guid instance)
    {
        Delete(domains.ConsoleLogOf(instance));
        // The emulator removes its sockets itself, unless it was killed.
        Delete(domains.SerialSocketOf(instance));
        Delete(domains.VncSocketOf(instance));
        Delete(domains.AgentSocketOf(instance));
    }

    private void Delete(string file)
    {
        try
        {
            // Deleting what is not there is no error, but a folder that is not there is one.
            if (File.Exists(file))
                File.Delete(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A file too many is no reason to hold the instance's start or removal back.
            LogKept(exception, file);
        }
    }

    [LoggerMessage(EventId = 3103, Level = LogLevel.Warning, Message = "A file of an instance's console stays: {File}")]
    private partial void LogKept(Exception exception, string file);
}
