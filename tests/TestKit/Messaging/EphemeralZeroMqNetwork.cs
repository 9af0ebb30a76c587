using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;

namespace PonyCloud.TestKit.Messaging;

/// <summary>Real sockets on a free port of the loopback interface; a server that is opened again gets the port of the first.</summary>
public sealed class EphemeralZeroMqNetwork : ITransportNetwork
{
    private string _endpoint = "tcp://127.0.0.1:*";

    /// <summary>Changes the options of every transport that is opened.</summary>
    public Func<ZeroMqOptions, ZeroMqOptions> Adjust { get; init; } = options => options;

    public IMessageTransport OpenServer(PeerId id)
    {
        var server = new ZeroMqTransport(Adjust(ZeroMqOptions.Server(_endpoint, id.Text)));
        _endpoint = server.LastEndpoint;
        return server;
    }

    public IMessageTransport OpenClient(PeerId id) =>
        new ZeroMqTransport(Adjust(ZeroMqOptions.Client(_endpoint) with { RoutingId = id.Text, ReconnectInterval = TimeSpan.FromMilliseconds(5) }));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
