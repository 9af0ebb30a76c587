using Microsoft.Extensions.Logging;
using NUnit.Framework;

namespace PonyCloud.TestKit.Database;

/// <summary>Writes the log into the output of the running test, where it is read when the test fails.</summary>
public sealed class TestLog<T> : ILogger<T>
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        TestContext.Out.WriteLine($"{logLevel}: {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}");
}
