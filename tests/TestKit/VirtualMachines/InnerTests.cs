using System.Reflection;
using System.Security;
using System.Text;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// The tests in an assembly, listed and run with the framework's own runner. Listed outside of a virtual machine, run inside.
/// </summary>
public sealed class InnerTests
{
    private readonly Assembly _assembly;

    public InnerTests(Assembly assembly)
    {
        _assembly = assembly;
        Names = [.. Cases(Load().ExploreTests(TestFilter.Empty)).Select(test => test.FullName)];
    }

    /// <summary>Full names of all test cases, in the order in which they run.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Runs tests, with the set-ups and tear-downs of their fixtures.</summary>
    /// <param name="names">Full names.</param>
    /// <param name="ended">What became of each, as it ends; of the last one only when all is torn down, since that is its part too.</param>
    /// <param name="left">What is wrong after all is over, in words; empty for nothing.</param>
    public void Run(IReadOnlyList<string> names, Action<InnerResult> ended, Func<string> left)
    {
        var filter = string.Concat(names.Select(name => $"<test>{SecurityElement.Escape(name)}</test>"));
        var listener = new Listener(ended);
        var all = Load().Run(listener, TestFilter.FromXml($"<filter><or>{filter}</or></filter>"));

        var last = listener.Last;
        foreach (var name in names.Except(listener.Names))
        {
            if (last is not null)
                ended(last);
            // Such as one whose fixture could not be set up.
            last = Family(all).FirstOrDefault(part => part.Test.FullName == name && !part.Test.IsSuite) is { } result
                ? Result(result)
                : new InnerResult(name, false, $"There is no test of the name {name}.", string.Empty, 0);
        }

        var tornDown = Family(all).Where(part => part.Test.IsSuite && part.ResultState.Site == FailureSite.TearDown);
        var wrong = string.Concat(tornDown.Select(Message)) + left();
        ended(wrong.Length == 0 ? last! : last! with { Passed = false, Message = last.Message + wrong });
    }

    private NUnitTestAssemblyRunner Load()
    {
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(_assembly, new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 });
        return runner;
    }

    private static IEnumerable<ITest> Cases(ITest test) => test.IsSuite ? test.Tests.SelectMany(Cases) : [test];

    private static IEnumerable<ITestResult> Family(ITestResult result) => result.Children.SelectMany(Family).Prepend(result);

    private static InnerResult Result(ITestResult result)
    {
        var passed = result.ResultState.Status == TestStatus.Passed;
        return new InnerResult(result.Test.FullName, passed, passed ? string.Empty : Message(result), result.Output, result.Duration);
    }

    private static string Message(ITestResult result) =>
        new StringBuilder().AppendLine($"{result.ResultState}: {result.Message}").AppendLine(result.StackTrace).ToString();

    // Holds each result until the next one comes.
    private sealed class Listener(Action<InnerResult> ended) : ITestListener
    {
        private readonly List<string> _names = [];

        public IReadOnlyList<string> Names => _names;

        public InnerResult? Last { get; private set; }

        public void TestStarted(ITest test)
        {
            if (!test.IsSuite)
            {
                Console.WriteLine($"Test {test.FullName}");
            }
        }

        public void TestFinished(ITestResult result)
        {
            if (result.Test.IsSuite)
            {
                return;
            }

            if (Last is not null)
            {
                ended(Last);
            }

            Last = Result(result);
            _names.Add(Last.Name);
        }

        public void TestOutput(TestOutput output)
        {
            // It is in the result as well.
        }

        public void SendMessage(TestMessage message)
        {
            // For runners that talk to their tests.
        }
    }
}
