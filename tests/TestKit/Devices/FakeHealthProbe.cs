using PonyCloud.Shared.Entities;
using PonyCloud.Twilight.Devices.Health;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.TestKit.Devices;

/// <summary>Disks that are as well as a test says. Safe for use by several threads.</summary>
public sealed class FakeHealthProbe : IHealthProbe
{
    private readonly Lock _gate = new();
    private readonly List<string> _asked = [];
    private readonly Dictionary<string, HealthReading?> _readings = [];
    private readonly HashSet<string> _hanging = [];
    private readonly HashSet<string> _silent = [];
    private int _outstanding;

    /// <summary>Device files in the order in which they were asked.</summary>
    public IReadOnlyList<string> Asked
    {
        get
        {
            lock (_gate)
                return [.. _asked];
        }
    }

    /// <summary>Calls that have begun and not ended.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <param name="reading">Null for a disk that sleeps. Those that a test does not set are well.</param>
    public void Set(string node, HealthReading? reading)
    {
        lock (_gate)
            _readings[node] = reading;
    }

    /// <summary>It does not answer, and nobody notices.</summary>
    public void Hang(string node)
    {
        lock (_gate)
            _hanging.Add(node);
    }

    /// <summary>It does not answer in time.</summary>
    public void Silence(string node)
    {
        lock (_gate)
            _silent.Add(node);
    }

    public async Task<HealthReading?> ReadAsync(string node, CancellationToken cancellationToken)
    {
        bool hangs;
        HealthReading? reading;
        lock (_gate)
        {
            _asked.Add(node);
            if (_silent.Contains(node))
                throw new ToolException(ToolFailure.TimedOut, "smartctl did not end within 60 s and was stopped.");
            hangs = _hanging.Contains(node);
            reading = _readings.TryGetValue(node, out var set) ? set : new HealthReading(DiskHealth.Passed);
        }
        Interlocked.Increment(ref _outstanding);
        try
        {
            if (hangs)
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _outstanding);
        }
        return reading;
    }
}
