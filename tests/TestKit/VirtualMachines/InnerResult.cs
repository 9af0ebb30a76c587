using NUnit.Framework;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>What became of a test inside a virtual machine.</summary>
/// <param name="Name">Its full name.</param>
/// <param name="Passed">Whether it ran and all of it held; one that was skipped or not conclusive did not pass.</param>
/// <param name="Message">What was wrong, with the stack; empty when it passed.</param>
/// <param name="Output">What it wrote.</param>
/// <param name="Seconds">How long it took inside.</param>
public sealed record InnerResult(string Name, bool Passed, string Message, string Output, double Seconds)
{
    /// <summary>Passes the result on to the test that is running here.</summary>
    /// <param name="console">The machine's console, to show with a failure.</param>
    public void Report(string console)
    {
        TestContext.Out.Write(Output);
        if (!Passed)
        {
            throw new AssertionException($"{Message}\n--- The machine's console:\n{console}");
        }
    }
}
