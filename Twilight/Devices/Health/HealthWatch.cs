using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Replication;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Devices.Health;

public sealed record HealthOptions
{
    /// <summary>How long a reading is good for; each time a tenth more or less, so that disks are not asked all at once.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>So many disks are asked at a time.</summary>
    public int AtOnce { get; init; } = 4;

    /// <summary>
    /// A disk that did not answer so many times in a row is not asked any more while it stays: each time leaves a process
    /// that only the kernel can let go.
    /// </summary>
    public int UnansweredMax { get; init; } = 3;
}

/// <summary>
/// What is known of the disks' health, and when to ask again; drawn in the README. Never waits for a disk.
/// </summary>
/// <remarks>Owned by one loop: only it calls <see cref="Follow"/> and <see cref="Of"/>.</remarks>
internal sealed partial class HealthWatch(
    IHealthProbe probe, HealthOptions options, TimeProvider time, IEntropy entropy, Action answered, ILogger<HealthWatch> logger)
    : IAsyncDisposable
{
    private readonly Dictionary<string, Patient> _patients = [];
    private readonly HashSet<Task> _asking = [];
    private readonly long _epoch = time.GetTimestamp();

    private TimeSpan Now => time.GetElapsedTime(_epoch);

    /// <summary>Takes what was answered, forgets disks that are gone, asks those that are due.</summary>
    /// <returns>When to call again even if nobody answers; null when nothing is due.</returns>
    public TimeSpan? Follow(IReadOnlyList<FoundDisk> disks)
    {
        var now = Now;
        Keep(disks);
        _asking.RemoveWhere(task => task.IsCompleted);
        foreach (var patient in _patients.Values)
            Take(patient, now);
        var busy = _patients.Values.Count(patient => patient.Asked is not null);
        var waiting = _patients.Values.Where(CanBeAsked)
            .OrderBy(patient => patient.DueAt).ThenBy(patient => patient.Id, StringComparer.Ordinal).ToList();
        foreach (var patient in waiting.Where(patient => patient.DueAt <= now).Take(options.AtOnce - busy))
            Ask(patient);
        // Those that are due and had to wait are asked when one that is asked answers, which wakes the loop.
        return waiting.Where(patient => patient.DueAt > now).Select(patient => (TimeSpan?)(patient.DueAt - now)).Min();
    }

    public HealthReading Of(string disk) => _patients.TryGetValue(disk, out var patient) ? patient.Reading : HealthReading.NotAsked;

    /// <summary>Gives up on all who are asked.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var patient in _patients.Values)
            patient.Dispose();
        _patients.Clear();
        await Task.WhenAll(_asking);
    }

    private bool CanBeAsked(Patient patient) =>
        patient.Asked is null && patient.Node is not null && !HasGivenUp(patient);

    private bool HasGivenUp(Patient patient) => patient.Unanswered >= options.UnansweredMax;

    private void Keep(IReadOnlyList<FoundDisk> disks)
    {
        var present = disks.ToDictionary(disk => disk.Id);
        foreach (var gone in _patients.Values.Where(patient => !present.ContainsKey(patient.Id)).ToList())
        {
            gone.Dispose();
            _patients.Remove(gone.Id);
        }
        foreach (var disk in disks)
        {
            if (!_patients.TryGetValue(disk.Id, out var patient))
                _patients.Add(disk.Id, patient = new Patient(disk.Id) { DueAt = Now });
            patient.Node = disk.Probe;
        }
    }

    private void Ask(Patient patient)
    {
        LogAsking(patient.Id, patient.Node!);
        patient.Asked = AskAsync(patient.Node!, patient.Token);
        _asking.Add(patient.Asked.ContinueWith(
            _ => answered(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default));
    }

    private async Task<Answer> AskAsync(string node, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            return new Answer(await probe.ReadAsync(node, cancellationToken), WasGiven: true);
        }
        catch (ToolException exception)
        {
            return new Answer(new HealthReading(DiskHealth.Unknown, exception.Message), exception.Failure != ToolFailure.TimedOut);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new Answer(null, WasGiven: true);
        }
    }

    private void Take(Patient patient, TimeSpan now)
    {
        if (patient.Asked is not { IsCompleted: true } asked)
            return;
        patient.Asked = null;
        patient.DueAt = now + options.Interval * (0.9 + 0.2 * entropy.NextDouble());
        // What a probe throws otherwise is a mistake of the program, and the loop's to log.
        var answer = asked.GetAwaiter().GetResult();
        patient.Unanswered = answer.WasGiven ? 0 : patient.Unanswered + 1;
        if (answer.Reading is { } reading)
            patient.Reading = HasGivenUp(patient) ? reading with { Why = $"{reading.Why} It is not asked any more." } : reading;
        LogAnswered(patient.Id, patient.Reading.Health, patient.Reading.Why);
    }

    [LoggerMessage(EventId = 2301, Level = LogLevel.Debug, Message = "Asking {Disk} at {Node} for its health")]
    private partial void LogAsking(string disk, string node);

    [LoggerMessage(EventId = 2302, Level = LogLevel.Debug, Message = "Health of {Disk}: {Health}. {Why}")]
    private partial void LogAnswered(string disk, DiskHealth health, string? why);

    private sealed record Answer(HealthReading? Reading, bool WasGiven);

    private sealed class Patient(string id) : IDisposable
    {
        private readonly CancellationTokenSource _leaving = new();

        public string Id => id;

        public string? Node { get; set; }

        public TimeSpan DueAt { get; set; }

        public int Unanswered { get; set; }

        public HealthReading Reading { get; set; } = HealthReading.NotAsked;

        /// <summary>What it is asked; null while it is not.</summary>
        public Task<Answer>? Asked { get; set; }

        public CancellationToken Token => _leaving.Token;

        /// <summary>Gives up on what it is asked.</summary>
        public void Dispose()
        {
            _leaving.Cancel();
            _leaving.Dispose();
        }
    }
}
