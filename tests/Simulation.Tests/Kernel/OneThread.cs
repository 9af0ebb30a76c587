namespace PonyCloud.Simulation.Tests.Kernel;

/// <summary>Where everything that awaits goes on: in a queue that the simulation empties itself, in order.</summary>
internal sealed class OneThread : SynchronizationContext, IDisposable
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = [];
    private readonly SynchronizationContext? _before = Current;

    public OneThread() => SetSynchronizationContext(this);

    public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    public void Pump()
    {
        while (_posted.TryDequeue(out var next))
            next.Callback(next.State);
    }

    public void Dispose() => SetSynchronizationContext(_before);
}
