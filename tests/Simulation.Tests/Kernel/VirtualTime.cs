namespace PonyCloud.Simulation.Tests.Kernel;

/// <summary>
/// The clock of the simulation. The monotonic part moves with the agenda; the wall jumps as it likes, which must decide
/// nothing.
/// </summary>
internal sealed class VirtualTime(bool decidesByWall) : TimeProvider
{
    private readonly DateTimeOffset _start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public TimeSpan Elapsed { get; set; }

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan WallError { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    // The broken variant is a controller that measures by the wall clock.
    public override long GetTimestamp() => (decidesByWall ? Elapsed + WallError : Elapsed).Ticks;

    public override DateTimeOffset GetUtcNow() => _start + Elapsed + WallError;
}
