using System.Net;
using System.Net.Sockets;

namespace PonyCloud.TestKit.Processes;

/// <summary>TCP ports on the loopback address that nobody listens on.</summary>
public static class FreePort
{
    /// <summary>
    /// As many different ports as asked for. The kernel hands each out anew, so that two test runs beside each other are
    /// not given the same; still, a port is free until somebody takes it.
    /// </summary>
    public static IReadOnlyList<int> Take(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        try
        {
            // All are held until all are known: a port that was let go could come again.
            listeners.ForEach(listener => listener.Start());
            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }

    public static int Take() => Take(1)[0];
}
