namespace PonyCloud.Benchmarks.Fleet.Role;

/// <summary>Tells when all of many have got somewhere.</summary>
/// <param name="count">How many there are.</param>
/// <param name="reached">Called once, by the last.</param>
internal sealed class Countdown(int count, Action reached)
{
    private int _left = count;

    public void Signal()
    {
        if (Interlocked.Decrement(ref _left) == 0)
            reached();
    }
}
