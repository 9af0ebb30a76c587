using System.Text.Json;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Hosts;

/// <summary>
/// Stands before the sessions: lets through what a host says with its own key, and deals with everything else. Owned by the
/// control loop.
/// </summary>
public sealed partial class HostDoor : IControlFeature
{
    // How many sources are logged, and how many hosts have an event, in a minute.
    private const int MaxLogged = 1000;
    private const int MaxEvents = 10_000;

    private static readonly TimeSpan ShortestSilence = TimeSpan.FromMinutes(3);

    private readonly Entity _host;
    private readonly Column _why;
    private readonly HostAdmission _admission;
    private readonly HostCandidates _candidates;
    private readonly EnrolmentDesk _enrolments;
    private readonly KeyGate _gate;
    private readonly IEventSink _events;
    private readonly TimeProvider _time;
    private readonly ILogger<HostDoor> _logger;
    private readonly OncePerMinute<(string? Key, string? Address)> _logged = new(MaxLogged);
    private readonly OncePerMinute<(string Key, string Address)> _loggedTokens = new(MaxLogged);
    private readonly OncePerMinute<Guid> _impersonated = new(MaxEvents);

    public HostDoor(
        EntityCatalog catalog,
        HostAdmission admission,
        EnrolmentDesk enrolments,
        KeyGate gate,
        IEventSink events,
        ControlOptions options,
        TimeProvider time,
        ILogger<HostDoor> logger)
    {
        _host = catalog["host"];
        _why = catalog["host_candidate"].Current!.Column("why")!;
        _admission = admission;
        // Strangers introduce themselves once in a keep-alive interval.
        var silence = options.KeepAlive * 3;
        _candidates = new HostCandidates(catalog, silence > ShortestSilence ? silence : ShortestSilence);
        _enrolments = enrolments;
        _gate = gate;
        _events = events;
        _time = time;
        _logger = logger;
    }

    /// <summary>How many messages were refused.</summary>
    public long Refused { get; private set; }

    private TimeSpan Now => _time.GetElapsedTime(0);

    /// <summary>A stranger who was accepted, or whose key was, is none any more.</summary>
    public IEnumerable<RowChange> Derive(ChangeSet changes) =>
        from transition in changes.Rows
        where transition.Entity == _host && transition.Changed(RowPart.Desired)
        let uuid = Guid.Parse(transition.Key.Text)
        from change in _candidates.Accept(uuid, origin => _admission.Judge(changes.After, uuid, origin) is null)
        select change;

    /// <summary>Keys of hosts are let in always, strangers at a pace.</summary>
    public void Settled(ChangeSet changes)
    {
        var hosts = changes.Rows.Where(transition => transition.Entity == _host && transition.Changed(RowPart.Desired)).ToArray();
        if (hosts.Length == 0 && _gate.IsClosed)
            return;
        // A key may go from one host to another in one transaction.
        var known = _gate.Known.Except(hosts.Select(transition => KeyOf(transition.Before)).OfType<string>());
        _gate.Known = known.Union(hosts.Select(transition => KeyOf(transition.After)).OfType<string>());
    }

    public IEnumerable<RowChange> Tick(TimeSpan now) => _candidates.Tick(now);

    /// <summary>Deals with a message whose sender may not speak for the host that it claims to be.</summary>
    /// <param name="origin">Who sent it.</param>
    /// <returns>Null when the sender may speak for the host, and the message is the sessions'.</returns>
    internal Refusal? Refuse(StateSnapshot state, PeerOrigin? origin, Message.FromTwilight message)
    {
        if (_admission.Judge(state, message.Uuid, origin) is not { } refusal)
            return null;
        Refused++;
        var now = Now;
        if (_logged.Passes((origin?.Key, origin?.Address), now))
            LogRefused(message.Uuid, _why.EnumName(refusal), origin is null ? null : KeyFingerprint.Of(origin.Key), origin?.Address, Refused);
        if (origin is not null && _admission.Impersonated(state, message.Uuid, origin, refusal) is { } host && _impersonated.Passes(host, now))
            _events.Record(Impersonation(host, message.Uuid, origin, refusal));
        switch (message)
        {
            case Message.TwilightUpdate or Message.TwilightResync:
                return new Refusal([], new Message.SparkleRefused(_why.EnumName(refusal)));
            case Message.TwilightEnrol introduction when origin is not null:
                if (introduction.Token is { } token
                    && _enrolments.Show(state, message.Uuid, origin, token) is { } wrong
                    && _loggedTokens.Passes((origin.Key, origin.Address), now))
                    LogToken(message.Uuid, origin.Address, wrong);
                return new Refusal(_candidates.Heard(introduction, origin, refusal, _time.GetUtcNow(), now), null);
            default:
                return new Refusal([], null);
        }
    }

    private static string? KeyOf(Row? host) => host?.Desired is HostDesired { State: not HostState.Gone } desired ? desired.AgentKey : null;

    private PlatformEvent Impersonation(Guid host, Guid claimed, PeerOrigin origin, HostRefusal refusal) => new(
        "host-impersonated",
        EventSeverity.Warning,
        host,
        null,
        _time.GetUtcNow(),
        JsonText.From(JsonSerializer.SerializeToElement(new
        {
            claimed,
            fingerprint = KeyFingerprint.Of(origin.Key),
            address = origin.Address,
            why = _why.EnumName(refusal),
        })));

    [LoggerMessage(1121, LogLevel.Warning, "A machine speaks as host {Host} and is refused ({Why}): key {Fingerprint}, from {Address}. Refused so far: {Count}.")]
    private partial void LogRefused(Guid host, string why, string? fingerprint, string? address, long count);

    [LoggerMessage(1122, LogLevel.Warning, "A machine that would be host {Host}, from {Address}, showed a token that is not good: {Why}.")]
    private partial void LogToken(Guid host, string address, string why);
}

/// <summary>What comes of a refused message.</summary>
/// <param name="Rows">What operators are shown of its sender.</param>
/// <param name="Answer">What its sender is told; null for nothing.</param>
internal sealed record Refusal(IEnumerable<RowChange> Rows, Message? Answer);
