namespace PonyCloud.TestKit.Hypervisor;

public sealed partial class FakeHypervisor
{
    /// <summary>Where a call waits until the test lets it go on.</summary>
    public sealed class Gate
    {
        private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes when a call has come to the gate.</summary>
        public Task Arrived => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

        internal bool HasArrived => _arrived.Task.IsCompleted;

        internal bool IsBroken { get; private set; }

        public void Open() => _opened.TrySetResult();

        internal void Break()
        {
            IsBroken = true;
            Open();
        }

        internal Task PassAsync()
        {
            _arrived.TrySetResult();
            return _opened.Task;
        }
    }
}
