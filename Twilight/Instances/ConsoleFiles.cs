using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Instances;

/// <summary>
/// The files of an instance's console: its log begins anew with each start, and goes with the instance, to other hosts as well. There it is
/// put into the file that the emulator has open and appends to, before the guest goes on: so every byte keeps its offset.
/// </summary>
public sealed partial class ConsoleFiles(DomainOptions domains, ILogger<ConsoleFiles> logger) : IInstancePreparation
{
    /// <inheritdoc/>
    public Task BeforeStartAsync(Guid instance, CancellationToken cancellationToken)
    {
        DeleteLog(instance);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task BeforeArrivalAsync(Guid instance, CancellationToken cancellationToken)
    {
        // What an attempt that came to nothing has left.
        DeleteLog(instance);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task BeforeGoingOnAsync(Guid instance, CancellationToken cancellationToken)
    {
        var arriving = domains.ArrivingLogOf(instance);
        if (!File.Exists(arriving))
            return;
        try
        {
            await using (var from = new FileStream(arriving, FileMode.Open, FileAccess.Read))
                await PutAsync(instance, from, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The guest matters more than what it once wrote.
            LogNotTaken(exception, arriving);
        }
        Delete(arriving);
    }

    /// <inheritdoc/>
    public void Forget(Guid instance)
    {
        DeleteLog(instance);
        // The emulator removes its sockets itself, unless it was killed.
        Delete(domains.SerialSocketOf(instance));
        Delete(domains.VncSocketOf(instance));
        Delete(domains.AgentSocketOf(instance));
    }

    private async Task PutAsync(Guid instance, FileStream from, CancellationToken cancellationToken)
    {
        var head = new byte[sizeof(long)];
        if (await from.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken) < head.Length)
            return;
        var begin = BinaryPrimitives.ReadInt64BigEndian(head);
        await using var log = new FileStream(
            domains.ConsoleLogOf(instance), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        log.Seek(begin, SeekOrigin.Begin);
        await from.CopyToAsync(log, cancellationToken);
        if (begin > 0)
            await File.WriteAllTextAsync(domains.ConsoleBeginOf(instance), begin.ToString(CultureInfo.InvariantCulture), cancellationToken);
    }

    private void DeleteLog(Guid instance)
    {
        Delete(domains.ConsoleLogOf(instance));
        Delete(domains.ConsoleBeginOf(instance));
        Delete(domains.ArrivingLogOf(instance));
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

    [LoggerMessage(EventId = 3104, Level = LogLevel.Warning, Message = "The log that came with an instance is lost: {File}")]
    private partial void LogNotTaken(Exception exception, string file);

    [LoggerMessage(EventId = 3103, Level = LogLevel.Warning, Message = "A file of an instance's console stays: {File}")]
    private partial void LogKept(Exception exception, string file);
}
