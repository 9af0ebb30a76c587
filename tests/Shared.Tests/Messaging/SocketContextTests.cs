using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.Messaging.ZeroMq;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Messaging;

public sealed class SocketContextTests
{
    [Test]
    public void A_context_gives_as_many_sockets_as_it_was_made_for()
    {
        var context = new SocketContext(maxSockets: 2);
        RouterSocket[] sockets = [Open(context, ZeroMqOptions.Client("tcp://127.0.0.1:1")), Open(context, ZeroMqOptions.Client("tcp://127.0.0.1:1"))];
        try
        {
            Assert.That(() => Open(context, ZeroMqOptions.Client("tcp://127.0.0.1:1")), Throws.InstanceOf<ZeroMqException>());
        }
        finally
        {
            Array.ForEach(sockets, socket => socket.Close());
            context.End();
        }
    }

    [Test]
    public async Task A_socket_that_closes_leaves_the_others_of_its_context_alone()
    {
        var context = new SocketContext(maxSockets: 3);
        var server = Open(context, ZeroMqOptions.Server("tcp://127.0.0.1:*", "server"));
        var leaving = Open(context, ZeroMqOptions.Client(server.LastEndpoint));
        var staying = Open(context, ZeroMqOptions.Client(server.LastEndpoint));
        try
        {
            leaving.Close();

            await Eventually.HoldsAsync("the connection", () => staying.Send(new PeerId("server"), "word"u8) == SendOutcome.Sent);
            await Eventually.HoldsAsync("the word", () => server.Receive(out _) == ReceiveOutcome.Received);
        }
        finally
        {
            staying.Close();
            server.Close();
            context.End();
        }
    }

    private static RouterSocket Open(SocketContext context, ZeroMqOptions options) => new(options, NullLogger.Instance, TimeProvider.System, context);
}
