using Microsoft.Extensions.Logging;

namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>Copying a domain elsewhere.</summary>
public sealed partial class LibvirtHypervisor
{
    public async Task MigrateAsync(Guid domain, MigrationTarget target, CancellationToken cancellationToken)
    {
        try
        {
            await ChangeAsync(
                $"migrate domain {domain}", domain, _options.MigrationTimeout, connection => connection.Migrate(domain, target),
                cancellationToken, CallLane.Migration);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HypervisorException { Failure: HypervisorFailure.TimedOut })
        {
            await BreakOffAsync(domain);
            throw;
        }
    }

    public Task<MigrationProgress?> GetMigrationAsync(Guid domain, CancellationToken cancellationToken) =>
        CallAsync(CallLane.Urgent, $"ask how far domain {domain} is copied", null, _options.CallTimeout,
            connection => connection.GetMigration(domain), cancellationToken);

    private async Task BreakOffAsync(Guid domain)
    {
        try
        {
            await ChangeAsync(
                $"break off the copying of domain {domain}", domain, _options.BreakOffTimeout, connection => connection.AbortJob(domain),
                CancellationToken.None, CallLane.Urgent);
        }
        catch (HypervisorException exception)
        {
            // It had not begun, or has ended. What is still on its way ends when the connections that it goes over are cut.
            LogNotBrokenOff(exception, domain);
        }
    }

    [LoggerMessage(EventId = 2105, Level = LogLevel.Debug, Message = "There was no copying of domain {Domain} to break off")]
    private partial void LogNotBrokenOff(Exception exception, Guid domain);
}
