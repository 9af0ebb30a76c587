using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Reconciliation;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Networks.Serving;

/// <summary>The dnsmasq of one switch, brought to what is wanted in one call. The state machine stands in the README.</summary>
internal sealed partial class DnsmasqService(
    Guid @switch, string directory, ServingOptions options, IToolRunner tools, TimeProvider time, ILogger<DnsmasqService> logger)
{
    private static readonly Backoff Patience = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    // One that ran for so long is sound.
    private static readonly TimeSpan Proof = TimeSpan.FromMinutes(1);

    private readonly ServingDirectory _files = new(directory, options, tools);
    private readonly string _namespace = LinkNames.Namespace(@switch);
    private string? _tried;
    private string? _failure;
    private int _failures;
    private long _triedAt;
    private long _probedAt;

    /// <param name="inode">Of the namespace; null while that is missing.</param>
    /// <returns>What is wrong, in words.</returns>
    internal async Task<ImmutableArray<string>> ApplyAsync(SwitchService service, string? inode, CancellationToken cancellationToken)
    {
        var problems = ServedNetworks.Of(service.Networks).Problems;
        try
        {
            if (DnsmasqWriter.Write(service, _files.Place) is not { } files)
            {
                await EndAsync(cancellationToken);
                return problems;
            }
            problems = files.Problems;
            if (inode is null)
            {
                await EndAsync(cancellationToken);
                return problems.Add($"Nothing is served: there is no namespace {_namespace}.");
            }
            var failure = await ConvergeAsync(files, inode, cancellationToken);
            return failure is null ? problems : problems.Add(failure);
        }
        catch (Exception exception) when (exception is ToolException or IOException or UnauthorizedAccessException or TimeoutException)
        {
            return problems.Add(exception.Message);
        }
    }

    /// <summary>Ends it, and removes all of it.</summary>
    /// <exception cref="IOException">Something could not be removed.</exception>
    /// <exception cref="TimeoutException">The process does not end.</exception>
    internal async Task EndAsync(CancellationToken cancellationToken)
    {
        (_tried, _failure, _failures) = (null, null, 0);
        if (_files.FindProcess() is { } process)
        {
            LogEnding(process.Id, @switch);
            await process.EndAsync(time, cancellationToken);
        }
        _files.Remove();
    }

    private async Task<string?> ConvergeAsync(DnsmasqFiles files, string inode, CancellationToken cancellationToken)
    {
        var applied = _files.Applied();
        var process = _files.FindProcess();
        if (process is not null && process.Namespace == inode && applied?.Shape == files.Shape)
        {
            if (await IsWellAsync(process, files, cancellationToken))
            {
                if (applied?.Content != files.Content)
                    await TellAsync(process, files, cancellationToken);
                if (_failure is not null && time.GetElapsedTime(_triedAt) >= Proof)
                    (_failure, _failures) = (null, 0);
                return null;
            }
            LogHung(process.Id, @switch);
            Fail("dnsmasq did not answer, and is started again.");
        }
        else if (applied?.Shape == files.Shape && process is null)
        {
            LogDied(@switch);
            Fail("dnsmasq ended by itself, and is started again.");
        }
        return await StartAsync(process, files, cancellationToken);
    }

    /// <returns>The failure that keeps it from being started; null when it was.</returns>
    private async Task<string?> StartAsync(DnsmasqProcess? former, DnsmasqFiles files, CancellationToken cancellationToken)
    {
        // What it could not be started with for a while may be another thing by now.
        if (_tried != files.All)
            (_tried, _failure, _failures) = (files.All, null, 0);
        _files.ForgetApplied();
        if (former is not null)
            await former.EndAsync(time, cancellationToken);
        // The first one is made up for at once.
        if (_failures > 1 && time.GetElapsedTime(_triedAt) < Patience.DelayAfter(_failures - 1))
            return _failure;
        _triedAt = time.GetTimestamp();
        try
        {
            await _files.MakeAsync(cancellationToken);
            _files.WriteMain(files);
            _files.WriteReread(files);
            // Its own addresses are reached over the loopback, when it is asked whether it is well.
            await tools.RunAsync(new ToolCall("ip", "-n", _namespace, "link", "set", "dev", "lo", "up"), cancellationToken);
            // It goes to the background when its sockets are there; what makes it fail before it says on standard error.
            var call = new ToolCall(
                "ip", "netns", "exec", _namespace, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "dnsmasq", DnsmasqProcess.ConfigArgument(_files.Place[DnsmasqFiles.MainFile]))
            {
                MayOutlive = true,
            };
            await tools.RunAsync(call, cancellationToken);
        }
        catch (Exception exception) when (exception is ToolException or IOException or UnauthorizedAccessException)
        {
            LogNotStarted(exception, @switch);
            Fail(exception.Message);
            return _failure;
        }
        _files.SetApplied(files);
        _probedAt = time.GetTimestamp();
        LogStarted(@switch);
        return null;
    }

    private async Task TellAsync(DnsmasqProcess process, DnsmasqFiles files, CancellationToken cancellationToken)
    {
        _files.WriteReread(files);
        await tools.RunAsync(new ToolCall("kill", "-HUP", process.Id.ToString(CultureInfo.InvariantCulture)), cancellationToken);
        _files.SetApplied(files);
    }

    private async Task<bool> IsWellAsync(DnsmasqProcess process, DnsmasqFiles files, CancellationToken cancellationToken)
    {
        if (process.IsStopped)
            return false;
        // Also once after an agent began, when it is not known what became of it.
        if (_probedAt != 0 && time.GetElapsedTime(_probedAt) < options.ProbePace)
            return true;
        var answers = await DnsProbe.AnswersAsync(tools, _namespace, files.Own.ToString(), cancellationToken);
        _probedAt = time.GetTimestamp();
        return answers;
    }

    private void Fail(string failure) => (_failure, _failures) = (failure, _failures + 1);

    [LoggerMessage(EventId = 3701, Level = LogLevel.Information, Message = "dnsmasq serves switch {Switch}.")]
    private partial void LogStarted(Guid @switch);

    [LoggerMessage(EventId = 3702, Level = LogLevel.Information, Message = "Ending dnsmasq (process {Process}) of switch {Switch}, which is not to be served.")]
    private partial void LogEnding(int process, Guid @switch);

    [LoggerMessage(EventId = 3703, Level = LogLevel.Warning, Message = "dnsmasq of switch {Switch} ended by itself.")]
    private partial void LogDied(Guid @switch);

    [LoggerMessage(EventId = 3704, Level = LogLevel.Warning, Message = "dnsmasq (process {Process}) of switch {Switch} does not answer.")]
    private partial void LogHung(int process, Guid @switch);

    [LoggerMessage(EventId = 3705, Level = LogLevel.Warning, Message = "dnsmasq of switch {Switch} could not be started.")]
    private partial void LogNotStarted(Exception exception, Guid @switch);
}
