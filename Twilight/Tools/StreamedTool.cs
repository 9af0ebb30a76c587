using System.Diagnostics;

namespace PonyCloud.Twilight.Tools;

public sealed partial class ToolRunner : IToolStarter
{
    // What is killed and does not end within this time is in the kernel, which holds it as long as it wants.
    private static readonly TimeSpan DeathLimit = TimeSpan.FromSeconds(2);

    public IStreamedTool Begin(ToolCall call) => new StreamedTool(this, call);

    private sealed class StreamedTool : IStreamedTool
    {
        private readonly ToolRunner _runner;
        private readonly ToolCall _call;
        private readonly Process _process;
        private readonly CancellationTokenSource _disposal = new();
        private readonly Task<string> _error;
        private readonly Task _exit;

        public StreamedTool(ToolRunner runner, ToolCall call)
        {
            _runner = runner;
            _call = call;
            _process = runner.Start(call);
            _error = ToolOutput.ReadAsync(_process.StandardError, null, _disposal.Token);
            _exit = _process.WaitForExitAsync(CancellationToken.None);
        }

        public Stream Input => _process.StandardInput.BaseStream;

        public Stream Output => _process.StandardOutput.BaseStream;

        public bool HasEnded => _exit.IsCompleted;

        public async Task EndAsync(CancellationToken cancellationToken)
        {
            await _process.WaitForExitAsync(cancellationToken);
            if (!_call.Accepted.Contains(_process.ExitCode))
                throw Failed(_call, new ToolResult(_process.ExitCode, "", await _error.WaitAsync(cancellationToken)));
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
                _runner.Kill(_process, _call);
            await Task.WhenAny(_exit, Task.Delay(DeathLimit));
            await _disposal.CancelAsync();
            _disposal.Dispose();
            // Not before it has ended: only its end takes it out of the table of processes.
            _ = _exit.ContinueWith(
                _ => _process.Dispose(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
