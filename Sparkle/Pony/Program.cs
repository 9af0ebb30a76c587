using System.Runtime.InteropServices;
using PonyCloud.Pony;
using PonyCloud.Pony.Commands;

using var ended = new CancellationTokenSource();
// The command ends in order: it says what stands, and leaves the terminal as it was.
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
return await CommandLine.RunAsync(args, Terminal.OfProcess(), ended.Token);

void End(PosixSignalContext context)
{
    context.Cancel = true;
    ended.Cancel();
}
