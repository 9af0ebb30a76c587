namespace PonyCloud.Twilight.Storage;

public enum StorageFailure
{
    /// <summary>The pool cannot be reached, or does not answer in time.</summary>
    Unreachable,

    /// <summary>There is no room left in it.</summary>
    Full,

    /// <summary>What it is about is not there.</summary>
    Missing,

    /// <summary>Something else has it open.</summary>
    InUse,

    /// <summary>Other things in the pool are made from it.</summary>
    HasDependents,

    /// <summary>The pool, or this type of pool, cannot do that.</summary>
    Unsupported,

    /// <summary>Anything else; the message has the words of the tool.</summary>
    Failed,
}

/// <summary>Something could not be done in a pool. The message is for whoever ordered it.</summary>
public sealed class StorageException(StorageFailure failure, string message, Exception? cause = null) : Exception(message, cause)
{
    public StorageFailure Failure => failure;
}
