namespace PonyCloud.Twilight.Http;

/// <summary>How many answers are under way; any thread.</summary>
internal sealed class AnswerCount
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _none;
    private int _count;

    /// <returns>One more, until it is disposed of.</returns>
    public IDisposable Begin()
    {
        lock (_gate)
            _count++;
        return new One(this);
    }

    /// <returns>Whether all have ended, in this time.</returns>
    public async Task<bool> NoneAsync(TimeSpan limit)
    {
        Task none;
        lock (_gate)
        {
            if (_count == 0)
                return true;
            none = (_none ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        try
        {
            await none.WaitAsync(limit);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private void End()
    {
        lock (_gate)
        {
            if (--_count == 0)
                _none?.TrySetResult();
        }
    }

    private sealed class One(AnswerCount owner) : IDisposable
    {
        public void Dispose() => owner.End();
    }
}
