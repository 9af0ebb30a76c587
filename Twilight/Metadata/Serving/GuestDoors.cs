using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>
/// Where the server accepts connections of guests: all doors lead to it, and they come and go while it runs, as switches do.
/// </summary>
public sealed class GuestDoors : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Channel<ConnectionContext> _entered = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>What the server is told to listen on.</summary>
    public static EndPoint All { get; } = new Everywhere();

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(new Listener(_entered));

    public bool CanBind(EndPoint endpoint) => endpoint is Everywhere;

    /// <summary>Leads a guest to the server.</summary>
    /// <returns>False when that has ended.</returns>
    internal bool Enter(ConnectionContext connection) => _entered.Writer.TryWrite(connection);

    private sealed class Everywhere : EndPoint
    {
        public override string ToString() => "every switch";
    }

    private sealed class Listener(Channel<ConnectionContext> entered) : IConnectionListener
    {
        public EndPoint EndPoint => All;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await entered.Reader.WaitToReadAsync(cancellationToken) && entered.Reader.TryRead(out var connection) ? connection : null;

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            entered.Writer.TryComplete();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
