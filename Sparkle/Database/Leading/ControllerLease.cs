using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Events;

namespace PonyCloud.Sparkle.Database.Leading;

/// <summary>The session that made this controller the active one is gone, or the epoch in the database is another's.</summary>
public sealed class LeaseLostException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Makes this controller the one that is active in its database: holds a lock that the database gives to one session at a
/// time, and numbers the times that it was taken by somebody new. Owned by the change stream, except for <see cref="Heard"/>.
/// </summary>
/// <remarks>
/// <code>
///             lock is another's                   the epoch in the table is
///              ┌──────────┐                       still its own: goes on with it
///              ▼          │                     ┌────────────────────────────────► ACTIVE(epoch)
///   start ──► WAITING ────┴──lock is free──► HELD                                    ▲     │
///              ▲                                └──any other: raises it, commits─────┘     │
///              └──────────────── the session or the epoch is gone ─────────────────────────┘
/// </code>
/// Whether somebody else was active meanwhile is told by the number alone, never by the lock: a lock that cannot be had
/// may be held by the remains of this controller's own lost session.
/// </remarks>
public sealed partial class ControllerLease(
    DatabaseConnections connections, IDatabaseSink sink, IEventSink events, DatabaseOptions options, TimeProvider time,
    ILogger<ControllerLease> logger) : IEpochAuthority, IAsyncDisposable
{
    /// <summary>What the advisory lock is on, one in each database. Any number will do, as long as nothing else locks it.</summary>
    public const long LockKey = 0x65706f6368;

    // What a host says is not trusted to use up the numbers: beyond this one there are as many left as below it.
    private const long HighestClaim = 1L << 62;

    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(500);

    private readonly Channel<bool> _claims = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private NpgsqlConnection? _session;
    private long _epoch; // 0 before the first: the first one taken is 1.
    private long _heard;
    private long? _raisedAt;
    private int _absurd;

    /// <summary>The epoch of this controller; 0 before its first. It never falls.</summary>
    public long Epoch => Interlocked.Read(ref _epoch);

    /// <inheritdoc/>
    public void Heard(long epoch)
    {
        if (epoch >= HighestClaim)
        {
            // Once is enough: whoever says it says it with every message.
            if (Interlocked.Exchange(ref _absurd, 1) == 0)
                LogAbsurd(epoch);
            return;
        }
        for (var known = Interlocked.Read(ref _heard); epoch > known; known = Interlocked.Read(ref _heard))
        {
            if (Interlocked.CompareExchange(ref _heard, epoch, known) != known)
                continue;
            if (epoch > Epoch)
            {
                LogHeard(epoch, Epoch);
                _claims.Writer.TryWrite(true);
            }
            return;
        }
    }

    /// <summary>
    /// Returns once this controller is the active one, with the lock held and its epoch committed. A load that begins
    /// afterwards is newer than both.
    /// </summary>
    /// <param name="waits">Is told why it takes longer, whenever the reason changes.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="NpgsqlException">The database fails; to be called again.</exception>
    public async Task TakeAsync(Func<string, Task> waits, CancellationToken stop)
    {
        try
        {
            if (_session is null)
                await LockAsync(waits, stop);
            await SettleAsync(stop);
        }
        catch
        {
            await ReleaseAsync();
            throw;
        }
    }

    /// <summary>
    /// Keeps the session busy, since the server ends one that is silent, and obeys what was <see cref="Heard"/>. Ends only
    /// by an exception.
    /// </summary>
    /// <exception cref="LeaseLostException">The session or the epoch is gone.</exception>
    public async Task HoldAsync(CancellationToken stop)
    {
        while (true)
        {
            await PauseAsync(options.LeaseTimeout / 3, stop);
            try
            {
                // Not cancelled by the end of the change stream: that would end the session, and the lease with it.
                using var deadline = new CancellationTokenSource(options.ServerTimeout, time);
                var found = await ReadAsync(deadline.Token);
                if (found != Epoch)
                    throw new LeaseLostException($"The epoch of the controller in the database is {found}, not {Epoch}.");
                await ObeyAsync(deadline.Token);
            }
            catch (Exception e)
            {
                await ReleaseAsync();
                throw e as LeaseLostException ?? new LeaseLostException($"The lease of the controller is lost: {e.GetBaseException().Message}", e);
            }
        }
    }

    public async ValueTask DisposeAsync() => await ReleaseAsync();

    /// <summary>Lets the next controller in.</summary>
    public async Task ReleaseAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }

    private async Task LockAsync(Func<string, Task> waits, CancellationToken stop)
    {
        _session = connections.Lease();
        await _session.OpenAsync(stop);
        await using (var settings = Command(
            """
            SELECT set_config('idle_session_timeout', $1, false),
                   set_config('synchronous_commit', coalesce(nullif(current_setting('synchronous_commit'), 'off'), 'on'), false)
            """))
        {
            settings.Parameters.Add(new NpgsqlParameter<string>
            {
                TypedValue = string.Create(CultureInfo.InvariantCulture, $"{(long)options.LeaseTimeout.TotalMilliseconds}ms"),
            });
            await settings.ExecuteNonQueryAsync(stop);
        }
        string? told = null;
        while (!await TryLockAsync(stop))
        {
            var why = await WhyNotAsync(stop);
            if (why != told)
                await waits(told = why);
            // Asking again and again holds nothing up, while a statement that waits keeps the server from tidying up.
            var pause = options.LeaseTimeout / 3;
            await Task.Delay(pause < LongestPoll ? pause : LongestPoll, time, stop);
        }
    }

    /// <summary>The lock is held: what does the table say has happened meanwhile?</summary>
    private async Task SettleAsync(CancellationToken stop)
    {
        var own = Epoch;
        // A statement of its own, after the lock: the one that took it may have looked at the table before.
        var found = await ReadAsync(stop);
        if (found == own && own > 0)
            return;
        if (own > 0)
        {
            LogSuperseded(found, own);
            await sink.EpochChangedAsync(null, stop);
        }
        var epoch = await RaiseAsync(own, stop);
        if (own > found)
            RecordRaised(own, epoch);
        LogActive(epoch);
    }

    private async Task<string> WhyNotAsync(CancellationToken stop)
    {
        var own = Epoch;
        if (own == 0)
            return "Another controller is active in this database; waiting until it ends.";
        var found = await ReadAsync(stop);
        if (found == own && Interlocked.Read(ref _heard) <= own)
            return "Another session holds the lease of the controller; going on from memory until it is free.";
        await sink.EpochChangedAsync(null, stop);
        return $"Another controller has taken over: epoch {Math.Max(found, Interlocked.Read(ref _heard))} instead of {own}. Waiting until it ends.";
    }

    /// <summary>The lock is held, and hosts know of a higher epoch: the database is older than they are.</summary>
    private async Task ObeyAsync(CancellationToken stop)
    {
        var heard = Interlocked.Read(ref _heard);
        if (heard <= Epoch || (_raisedAt is { } before && time.GetElapsedTime(before) < options.EpochRaisePause))
            return;
        var epoch = await RaiseAsync(heard, stop);
        _raisedAt = time.GetTimestamp();
        LogRaised(epoch, heard);
        RecordRaised(heard, epoch);
        await sink.EpochChangedAsync(epoch, stop);
    }

    private void RecordRaised(long known, long epoch) => events.Record(new PlatformEvent(
        "controller-epoch-raised", EventSeverity.Error, null, null, time.GetUtcNow(),
        JsonText.Parse(string.Create(CultureInfo.InvariantCulture, $$"""{"known":{{known}},"epoch":{{epoch}},"why":"An older backup of the database may have been restored."}"""))));

    private async Task PauseAsync(TimeSpan pause, CancellationToken stop)
    {
        using var sleep = CancellationTokenSource.CreateLinkedTokenSource(stop);
        await Task.WhenAny(_claims.Reader.ReadAsync(sleep.Token).AsTask(), Task.Delay(pause, time, sleep.Token));
        await sleep.CancelAsync();
        stop.ThrowIfCancellationRequested();
    }

    private async Task<bool> TryLockAsync(CancellationToken stop)
    {
        await using var command = Command($"SELECT pg_try_advisory_lock({LockKey})");
        return (bool)(await command.ExecuteScalarAsync(stop))!;
    }

    /// <returns>0 where the row is gone.</returns>
    private async Task<long> ReadAsync(CancellationToken stop)
    {
        await using var command = Command("SELECT epoch FROM public.controller");
        return (long?)await command.ExecuteScalarAsync(stop) ?? 0;
    }

    /// <summary>Takes the next epoch above the one in the table and the one given; committed when this returns.</summary>
    private async Task<long> RaiseAsync(long above, CancellationToken stop)
    {
        await using var command = Command(
            """
            INSERT INTO public.controller (epoch) VALUES ($1 + 1)
            ON CONFLICT (single) DO UPDATE SET epoch = greatest(controller.epoch + 1, excluded.epoch)
            RETURNING epoch
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = above, NpgsqlDbType = NpgsqlDbType.Bigint });
        var epoch = (long)(await command.ExecuteScalarAsync(stop))!;
        Interlocked.Exchange(ref _epoch, epoch);
        return epoch;
    }

    private NpgsqlCommand Command(string sql) => new(sql, _session);

    [LoggerMessage(2501, LogLevel.Information, "This controller is active, with epoch {Epoch}.")]
    private partial void LogActive(long epoch);

    [LoggerMessage(2502, LogLevel.Warning, "The epoch in the database is {Found}, and this controller's was {Own}: it has been superseded and begins anew.")]
    private partial void LogSuperseded(long found, long own);

    [LoggerMessage(2503, LogLevel.Warning, "A host knows of epoch {Heard}, above {Own} of this controller; asking the database.")]
    private partial void LogHeard(long heard, long own);

    [LoggerMessage(2504, LogLevel.Error, "The epoch is raised to {Epoch}, since hosts know of {Heard}: an older backup of the database may have been restored.")]
    private partial void LogRaised(long epoch, long heard);

    [LoggerMessage(2505, LogLevel.Warning, "A host claims to know of epoch {Heard}, which no controller comes to; ignored, as are all such claims from now on.")]
    private partial void LogAbsurd(long heard);
}
