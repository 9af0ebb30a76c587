using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Tests.Storage.Files;

/// <summary>When an agent dies, as seen from the tools that it runs.</summary>
internal enum Death
{
    /// <summary>Before the tool is started.</summary>
    Before,

    /// <summary>While it runs; it goes on, as children of a killed process do.</summary>
    During,

    /// <summary>When it has ended, before anybody hears of it.</summary>
    After,
}

/// <summary>
/// The tools of an agent that is killed at one of its calls: from then on nothing that the agent does comes about, not even its
/// cleaning up, since no call ever returns.
/// </summary>
internal sealed class MortalTools(IToolRunner tools, int call, Death death) : IToolRunner
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _calls;

    public Task Died => _died.Task;

    public async Task<ToolResult> RunAsync(ToolCall toolCall, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _calls);
        if (number == call && death == Death.Before)
            _died.TrySetResult();
        if (_died.Task.IsCompleted)
            return await NeverAsync();
        var running = tools.RunAsync(toolCall, cancellationToken);
        if (number == call && death == Death.During)
            _died.TrySetResult();
        try
        {
            var result = _died.Task.IsCompleted ? await NeverAsync() : await running;
            if (number == call && death == Death.After)
                _died.TrySetResult();
            return _died.Task.IsCompleted ? await NeverAsync() : result;
        }
        catch (Exception) when (_died.Task.IsCompleted)
        {
            return await NeverAsync();
        }
    }

    private static Task<ToolResult> NeverAsync() => new TaskCompletionSource<ToolResult>().Task;
}
