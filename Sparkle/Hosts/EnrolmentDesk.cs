using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// Makes a machine that shows a good token a host. Owned by the control loop; only the writing happens outside of it. The
/// database decides who is first: the token's row goes in the transaction in which the host's row comes.
/// </summary>
/// <remarks>
/// Whether a token has ended is a question of the calendar that its maker had in mind, so it is the clock of the wall that
/// answers it. Tokens themselves are in no log, error or event.
/// </remarks>
public sealed partial class EnrolmentDesk(
    EntityCatalog catalog, IDesiredStateWriter writer, IControlQueue queue, IEventSink events, TimeProvider time, ILogger<EnrolmentDesk> logger)
{
    private static readonly TimeSpan WriteTimeout = TimeSpan.FromSeconds(10);

    private readonly Entity _enrolment = catalog["enrolment"];
    private readonly Entity _host = catalog["host"];
    private readonly HashSet<string> _inUse = new(StringComparer.Ordinal);

    /// <summary>Looks at a token and, if it is good, has the host written.</summary>
    /// <param name="uuid">The host that the machine is to be.</param>
    /// <returns>Null when the host is being written; else what is wrong with the token, in words.</returns>
    internal string? Show(StateSnapshot state, Guid uuid, PeerOrigin origin, string token)
    {
        if (Find(state, token) is not { } enrolment)
            return "nobody knows it";
        if (enrolment.Expires <= time.GetUtcNow())
            return "it has ended";
        if ((enrolment.Host ?? uuid) != uuid)
            return "it is for another host";
        var host = state[_host].Find(uuid)?.Desired as HostDesired;
        // A host that is declared already was not meant by a token for anybody.
        if (host is not null && (host.AgentKey is not null || host.State == HostState.Gone || enrolment.Host is null))
            return "the host is declared, and the token does not say that it is meant";
        if (_inUse.Add(enrolment.Hash))
            _ = WriteAsync(enrolment, host, uuid, origin);
        return null;
    }

    // Every row is compared, and each in the same time, so that how long it takes says nothing of what is in there.
    private EnrolmentDesired? Find(StateSnapshot state, string token)
    {
        var hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token))));
        EnrolmentDesired? found = null;
        foreach (var row in state[_enrolment].Rows)
        {
            if (row.Desired is EnrolmentDesired enrolment && CryptographicOperations.FixedTimeEquals(hash, Encoding.ASCII.GetBytes(enrolment.Hash)))
                found = enrolment;
        }
        return found;
    }

    private async Task WriteAsync(EnrolmentDesired enrolment, HostDesired? host, Guid uuid, PeerOrigin origin)
    {
        Exception? failure = null;
        try
        {
            var key = RowKey.Of(enrolment.Hash);
            using var timeout = new CancellationTokenSource(WriteTimeout, time);
            await writer.WriteAsync(
                [
                    new RowWrite.Update(_enrolment, key, enrolment, enrolment),
                    new RowWrite.Delete(_enrolment, key),
                    host is null
                        ? new RowWrite.Insert(_host, new HostDesired { Uuid = uuid, Name = enrolment.Name ?? uuid.ToString(), AgentKey = origin.Key })
                        : new RowWrite.Update(_host, RowKey.Of(uuid), host, host with { AgentKey = origin.Key }),
                ],
                timeout.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }
        queue.Post(() => Written(enrolment.Hash, uuid, origin, failure));
    }

    private void Written(string hash, Guid uuid, PeerOrigin origin, Exception? failure)
    {
        _inUse.Remove(hash);
        if (failure is not null)
        {
            // The token was used up by another machine, the key is another host's, or the database is away. The machine
            // shows its token again.
            LogNotEnrolled(uuid, origin.Address, failure);
            return;
        }
        LogEnrolled(uuid, KeyFingerprint.Of(origin.Key), origin.Address);
        events.Record(new PlatformEvent("host-enrolled", EventSeverity.Info, uuid, null, time.GetUtcNow(), null));
    }

    [LoggerMessage(1131, LogLevel.Information, "Host {Host} enrolled by a token, with the key {Fingerprint}, from {Address}.")]
    private partial void LogEnrolled(Guid host, string fingerprint, string address);

    [LoggerMessage(1132, LogLevel.Warning, "Host {Host} could not be enrolled from {Address}.")]
    private partial void LogNotEnrolled(Guid host, string address, Exception failure);
}
