using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Storage.Files;

/// <summary>Runs tools on a pool, and says what their failures mean for it.</summary>
public sealed class PoolTools(IToolRunner tools)
{
    private static readonly (string Words, StorageFailure Failure)[] Meanings =
    [
        ("No space left on device", StorageFailure.Full),
        ("Disk quota exceeded", StorageFailure.Full),
        // qemu-img: Failed to get "write" lock, or a shared one.
        ("Failed to get ", StorageFailure.InUse),
        ("Device or resource busy", StorageFailure.InUse),
        ("target is busy", StorageFailure.InUse),
        ("Stale file handle", StorageFailure.Unreachable),
        ("Transport endpoint is not connected", StorageFailure.Unreachable),
        ("Input/output error", StorageFailure.Unreachable),
        ("Host is down", StorageFailure.Unreachable),
        ("No route to host", StorageFailure.Unreachable),
        ("Connection refused", StorageFailure.Unreachable),
        ("Connection timed out", StorageFailure.Unreachable),
    ];

    /// <param name="missing">What it means that something is not there.</param>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="StorageException">It failed; the message has its words.</exception>
    public async Task<string> RunAsync(ToolCall call, StorageFailure missing, CancellationToken cancellationToken)
    {
        try
        {
            return (await tools.RunAsync(call, cancellationToken)).Output;
        }
        catch (ToolException exception)
        {
            throw new StorageException(MeaningOf(exception, missing), exception.Message, exception);
        }
    }

    private static StorageFailure MeaningOf(ToolException exception, StorageFailure missing)
    {
        if (exception.Failure == ToolFailure.TimedOut)
            return StorageFailure.Unreachable;
        if (exception.Failure != ToolFailure.Failed)
            return StorageFailure.Failed;
        if (exception.Message.Contains("No such file or directory", StringComparison.Ordinal))
            return missing;
        var found = Array.Find(Meanings, meaning => exception.Message.Contains(meaning.Words, StringComparison.Ordinal));
        return found.Words is null ? StorageFailure.Failed : found.Failure;
    }
}
