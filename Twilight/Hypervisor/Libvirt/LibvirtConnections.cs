namespace PonyCloud.Twilight.Hypervisor.Libvirt;

/// <summary>
/// The connections that calls are made over: each carries one call at a time, and is used again when that has ended.
/// </summary>
/// <remarks>
/// Two calls never share one. libvirt's client lets the thread of the call that came first do the sending and receiving for
/// all of them, and a later call can miss to wake it (seen with libvirt 9): it then lies there until the next keepalive
/// message, five seconds later, or until the first call ends. Behind a start that hangs, that is every scan and every power
/// cut in a hundred.
/// </remarks>
internal sealed class LibvirtConnections(LibvirtOptions options)
{
    private readonly Lock _gate = new();
    private readonly Stack<LibvirtConnection> _idle = [];
    private int _generation;

    /// <summary>Makes a call over a connection that has none.</summary>
    /// <exception cref="HypervisorException">There is no connection to be had, or the call failed.</exception>
    internal T Use<T>(Func<LibvirtConnection, T> call)
    {
        var (idle, generation) = Take();
        var connection = idle ?? LibvirtConnection.Open(options);
        try
        {
            return call(connection);
        }
        finally
        {
            Give(connection, generation);
        }
    }

    /// <summary>The daemon behind them is gone, or nobody needs them any more: those in use go when their calls have ended.</summary>
    internal void Retire()
    {
        LibvirtConnection[] retired;
        lock (_gate)
        {
            _generation++;
            retired = [.. _idle];
            _idle.Clear();
        }
        if (retired.Length == 0)
            return;
        // They say good-bye to a daemon that may hang.
        Task.Factory.StartNew(
            () =>
            {
                foreach (var connection in retired)
                    connection.Dispose();
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private (LibvirtConnection? Idle, int Generation) Take()
    {
        lock (_gate)
        {
            while (_idle.TryPop(out var connection))
            {
                if (!connection.HasEnded)
                    return (connection, _generation);
                // Nobody is there to say good-bye to.
                connection.Dispose();
            }
            return (null, _generation);
        }
    }

    private void Give(LibvirtConnection connection, int generation)
    {
        lock (_gate)
        {
            if (generation == _generation && !connection.HasEnded)
            {
                _idle.Push(connection);
                return;
            }
        }
        connection.Dispose();
    }
}
