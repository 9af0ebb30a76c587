using System.Reflection;
using System.Security;
using System.Text;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace PonyCloud.TestKit.VirtualMachines;

/// <summary>
/// The tests in an assembly, listed and run one by one with the framework's own runner. Listed outside of a virtual machine,
/// run inside.
/// </summary>
public sealed class InnerTests
{
    private readonly Assembly _assembly;

    public InnerTests(Assembly assembly)
    {
        _assembly = assembly;
        Names = [.. Cases(Load().ExploreTests(TestFilter.Empty)).Select(test => test.FullName)];
    }

    /// <summary>Full names of all test cases.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Runs a test, with the set-up and the tear-down of its fixture.</summary>
    public InnerResult Run(string name)
    {
        // Loaded anew, so that a fixture is never used twice.
        var result = Load().Run(TestListener.NULL, TestFilter.FromXml($"<filter><test>{SecurityElement.Escape(name)}</test></filter>"));
        var ran = Family(result).Where(part => !part.Test.IsSuite).ToList();
        if (ran.Count != 1)
        {
            return new InnerResult(false, $"There are {ran.Count} tests of the name {name}.", string.Empty, 0);
        }

        var message = new StringBuilder();
        foreach (var part in Family(result).Where(part => part.ResultState.Site != FailureSite.Child))
        {
            if (part.ResultState.Status != TestStatus.Passed)
            {
                message.AppendLine($"{part.ResultState}: {part.Message}").AppendLine(part.StackTrace);
            }
        }

        var passed = result.ResultState.Status == TestStatus.Passed;
        return new InnerResult(
            passed, passed ? string.Empty : message.ToString(), string.Concat(Family(result).Select(part => part.Output)), result.Duration);
    }

    private NUnitTestAssemblyRunner Load()
    {
        var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
        runner.Load(_assembly, new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 });
        return runner;
    }

    private static IEnumerable<ITest> Cases(ITest test) => test.IsSuite ? test.Tests.SelectMany(Cases) : [test];

    private static IEnumerable<ITestResult> Family(ITestResult result) => result.Children.SelectMany(Family).Prepend(result);
}
