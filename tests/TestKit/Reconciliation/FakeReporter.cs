using System.Threading.Channels;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.TestKit.Reconciliation;

/// <summary>A side of the host that reports what a test says, and remembers what was ordered of it.</summary>
public sealed class FakeReporter : IHostReconciler
{
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private readonly TaskCompletionSource<StateSnapshot> _ordered = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <summary>The first desired state.</summary>
    public Task<StateSnapshot> Ordered => _ordered.Task;

    public void Report(params RowChange[] changes) => _output.Writer.TryWrite(new HostOutput.Rows(changes));

    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released) => _ordered.TrySetResult(replica);

    public Task RunAsync(CancellationToken cancellationToken) => new TaskCompletionSource().Task.WaitAsync(cancellationToken);
}
