namespace PonyCloud.Twilight.Hypervisor;

/// <summary>What kind of refusal an error of the hypervisor is.</summary>
public enum HypervisorFailure
{
    /// <summary>The operation failed.</summary>
    Failed,

    /// <summary>There is no connection.</summary>
    Disconnected,

    /// <summary>There is no such domain.</summary>
    NoSuchDomain,

    /// <summary>The domain has no such device.</summary>
    NoSuchDevice,

    /// <summary>The domain is in the wrong state, such as off already.</summary>
    WrongState,

    /// <summary>No answer in time; what was asked for may still come about.</summary>
    TimedOut,

    /// <summary>So much else is asked of agents in guests that this was not.</summary>
    Busy,
}

/// <summary>The hypervisor refused or failed.</summary>
public sealed class HypervisorException : Exception
{
    public HypervisorException(HypervisorFailure failure, int code, string message, Exception? inner = null)
        : base(message, inner)
    {
        Failure = failure;
        Code = code;
    }

    public HypervisorFailure Failure { get; }

    /// <summary>The hypervisor's own error number (<c>virErrorNumber</c> for libvirt); 0 when it gave none.</summary>
    public int Code { get; }
}
